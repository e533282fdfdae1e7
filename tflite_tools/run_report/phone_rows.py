"""Runs on a phone as rows of a report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tflite_tools.android.cores import core_complaints
from tflite_tools.android.judging import measured
from tflite_tools.android.program_names import program_names
from tflite_tools.android.records import AndroidRun, PlannedRun
from tflite_tools.android.reporting import summarize
from tflite_tools.android.screens import screen_complaints
from tflite_tools.android.stored_runs import PhoneRuns
from tflite_tools.run_report.comparing import compared, rule_of
from tflite_tools.run_report.records import (
    Comparison,
    Coverage,
    FileEntry,
    Measurement,
    Place,
    Problem,
    ProblemKind,
)

# What a run is of, without the repetition.
_Combination = tuple[str, str, str, tuple[str, ...]]
_PROFILING = ("--use_profiler=true", "--enable_op_profiling=true")


class PhoneRows:
    """The rows of one phone.

    Args:
        phone: What its folder holds.
        place: What the report calls it.
        files: The files by the hashes of their contents.
    """

    def __init__(self, phone: PhoneRuns, place: Place, files: Mapping[str, FileEntry]) -> None:
        self._phone = phone
        self._place = place
        self._files = files
        self._names = program_names(phone.runs)
        self._combinations: dict[_Combination, list[AndroidRun]] = {}
        for run in phone.runs:
            key = (run.sha256, run.delegate, run.binary, run.argv)
            self._combinations.setdefault(key, []).append(run)

    def measurements(self) -> Iterator[Measurement]:
        """A row for each combination and whoever ran it, without figures where all runs failed."""
        for runs in self._combinations.values():
            good: dict[str | None, list[AndroidRun]] = {}
            for run in filter(measured, runs):
                good.setdefault(run.ran_on, []).append(run)
            for same in good.values():
                yield self._measurement(same, len(runs))
            if not good:
                yield self._measurement(runs, len(runs))

    def comparisons(self, coverage: Iterable[Coverage]) -> Iterator[Comparison]:
        """Each combination beside what the rules say."""
        own = {(c.file, c.delegate): c for c in coverage if c.target == self._place.target}
        same_question: dict[tuple[str, str, str, str], list[AndroidRun]] = {}
        for run in self._phone.runs:
            key = (run.sha256, run.delegate, run.binary, run.program)
            same_question.setdefault(key, []).append(run)
        for (sha256, delegate, _, program), runs in same_question.items():
            file = self._files[sha256].name
            rule = rule_of(delegate, self._phone.device.api_level)
            yield from compared(
                runs,
                file=file,
                place=self._place.name,
                program=self._names.get(program),
                rule=rule,
                predicted=own.get((file, rule or "")),
            )

    def problems(self) -> Iterator[Problem]:
        """Runs that failed, fell back or are missing."""
        for run in self._phone.runs:
            if run.problem and run.problem_kind:
                yield self._problem(run, run.problem_kind, run.problem, run.log)
        for planned in self._phone.unfinished:
            log = self._phone.partial_logs.get(planned.key)
            how = "not run yet" if log is None else "broken off while it ran"
            reason = f"{how}: repeat the command, it runs only what is missing"
            yield self._problem(planned, "unfinished", reason, log)

    def notes(self) -> list[str]:
        """What makes the figures doubtful, and which were not checked, a line each."""
        doubts = [*core_complaints([self._phone.device]), *screen_complaints(self._phone.runs)]
        return [*doubts, *self._phone.unchecked]

    def _measurement(self, runs: Sequence[AndroidRun], repeats: int) -> Measurement:
        summary = summarize(runs)
        first = runs[0]
        file = self._files[first.sha256]
        latency = summary.latency_ms
        low, high = summary.spread_ms or (None, None)
        return Measurement(
            file=file.name,
            place=self._place.name,
            delegate=first.delegate,
            ran_on=first.ran_on if summary.measured else None,
            fell_back=bool(summary.measured) and first.ran_on == "cpu" != first.delegate,
            binary=first.binary,
            program=self._names.get(first.program),
            threads=first.num_threads,
            op_profile=any(flag in first.argv for flag in _PROFILING),
            measured=summary.measured,
            repeats=repeats,
            runs=sum(run.record.runs or 0 for run in runs if measured(run)) or None,
            latency_ms=latency,
            low_ms=low,
            high_ms=high,
            p95_ms=summary.p95_ms,
            runs_per_second=1000 / latency if latency else None,
            init_ms=_smallest(run.record.init_ms for run in runs if measured(run)),
            memory_mb=summary.memory_mb,
            delegated_share=summary.delegated_share,
            relative_error=summary.relative_error,
            wrong_output=any(run.wrong_output for run in runs),
            hottest=summary.hottest,
            top1=file.accuracy.top1 if file.accuracy else None,
            agreement=file.accuracy.agreement if file.accuracy else None,
            size_bytes=file.size_bytes,
        )

    def _problem(
        self, run: AndroidRun | PlannedRun, kind: ProblemKind, reason: str, log: Path | None
    ) -> Problem:
        file = self._files[run.sha256].name
        return Problem(file, self._place.name, run.delegate, run.repeat, kind, reason, log)


def _smallest(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
