"""A benchmark on a computer as rows of a report."""

from collections.abc import Iterable, Iterator, Mapping

from tflite_tools.host import HostRecord, HostReport
from tflite_tools.host.machine import warnings_about
from tflite_tools.run_report.comparing import agreement
from tflite_tools.run_report.records import Comparison, Coverage, FileEntry, Measurement, Place

_RULE = "xnnpack"


class HostRows:
    """The rows of one computer.

    Args:
        report: Its benchmark.
        place: What the report calls it.
        files: The files by the hashes of their contents.
    """

    def __init__(self, report: HostReport, place: Place, files: Mapping[str, FileEntry]) -> None:
        self._report = report
        self._place = place
        self._files = files

    def measurements(self) -> Iterator[Measurement]:
        """A row for each file and number of threads."""
        for record in self._report.records:
            file = self._files[record.sha256]
            yield Measurement(
                file=file.name,
                place=self._place.name,
                delegate="cpu",
                ran_on="cpu",
                fell_back=False,
                binary="host",
                program=None,
                threads=record.num_threads,
                op_profile=False,
                measured=1,
                repeats=1,
                runs=record.runs,
                latency_ms=record.median_ms,
                low_ms=record.min_ms,
                high_ms=max(record.p95_ms, record.median_ms),
                p95_ms=record.p95_ms,
                runs_per_second=1000 / record.median_ms,
                init_ms=record.init_ms,
                memory_mb=record.peak_memory_mb,
                delegated_share=_taken(record) / record.ops_total if record.ops_total else None,
                relative_error=None,
                wrong_output=False,
                hottest=None,
                top1=file.accuracy.top1 if file.accuracy else None,
                agreement=file.accuracy.agreement if file.accuracy else None,
                size_bytes=record.size_bytes,
            )

    def comparisons(self, coverage: Iterable[Coverage]) -> Iterator[Comparison]:
        """What XNNPACK took of each file, beside its rules."""
        rules = {one.file: one for one in coverage if one.delegate == _RULE}
        # The number of threads decides nothing.
        firsts = {record.sha256: record for record in reversed(self._report.records)}
        for record in reversed(firsts.values()):
            file = self._files[record.sha256].name
            taken = _taken(record)
            delegation = "full" if taken == record.ops_total else "partial" if taken else "none"
            predicted = rules.get(file)
            yield Comparison(
                file=file,
                place=self._place.name,
                delegate="cpu",
                binary="host",
                program=None,
                rule=_RULE,
                predicted=predicted,
                delegation=delegation,
                nodes=record.ops_total,
                taken=taken,
                agreement=agreement(predicted, delegation, taken),
                remark="; ".join(
                    f"not taken: {ops.op}×{ops.count}" for ops in record.ops_not_taken
                ),
            )

    def notes(self) -> list[str]:
        """What makes the figures doubtful, a line each."""
        most = max(record.num_threads for record in self._report.records)
        lines = [*self._report.problems, *warnings_about(self._report.machine, most)]
        return [f"{self._place.name}: {line}" for line in lines]


def _taken(record: HostRecord) -> int:
    return record.ops_total - sum(ops.count for ops in record.ops_not_taken)
