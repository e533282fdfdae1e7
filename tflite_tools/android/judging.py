"""What a finished run is worth: whose figures they are, and whether the outputs are right."""

import contextlib
import signal
from pathlib import Path

import numpy as np

from tflite_tools.android.records import AndroidRun, OutputCheck, PlannedRun, ProblemKind
from tflite_tools.android.records_on_disk import FinishedRun, Stored
from tflite_tools.benchmark_log import BenchmarkRecord, parse_benchmark_log
from tflite_tools.interpreter import LiteModel
from tflite_tools.samples import FloatArray

# What logs call the delegates.
_IN_LOGS = {"qnn": ("qnn", "external", "npu")}

# A shell adds so much to the number of the signal that ended a program.
_SIGNALS = 128


class Reference:
    """A model on this machine's CPU, and its outputs for the input that phones get.

    Args:
        path: The .tflite file.
        tolerance: The largest error, relative to the largest output, that passes.
    """

    def __init__(self, path: Path, tolerance: float) -> None:
        self.model = LiteModel(path)
        shape = (self.model.batch_size, *self.model.sample_shape)
        noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        self.sample = self.model.encoded(noise)
        self._expected = self.model.predict(noise)
        self._tolerance = tolerance

    def check(self, content: bytes) -> OutputCheck | None:
        """Compares the bytes that a phone wrote; None if they are not one output."""
        outputs = self.model.decoded(content)
        if outputs is None or not np.isfinite(outputs).all():
            return None
        error = float(np.abs(outputs - self._expected).max())
        scale = float(np.abs(self._expected).max())
        relative = error / scale if scale else error
        same = bool((_first(outputs) == _first(self._expected)).all())
        # A quantised output may be rounded to the neighbouring step.
        allowed = max(self._tolerance * scale, self.model.output_step)
        return OutputCheck(error, relative, same, error <= allowed)


def judge(
    run: PlannedRun,
    serial: str,
    log: Path,
    stored: Stored,
    reference: Reference | None,
) -> AndroidRun:
    """Makes a record of what a run has left in the folder.

    Without a reference its outputs are not compared.
    """
    finished, text, output = stored
    record = parse_benchmark_log(text)
    check = reference.check(output) if reference and output is not None else None
    ran_on = _ran_on(run.delegate, record)
    wrong = _wrong_output(run, output, check, compared=reference is not None)
    problems: tuple[tuple[ProblemKind, str | None], ...] = (
        ("failed", _failure(finished, record)),
        ("wrong output", wrong),
        ("unclear" if ran_on is None else "fell back", _fallback(run.delegate, ran_on, record)),
        ("slowed down", _throttled(finished)),
    )
    kind, problem = next((pair for pair in problems if pair[1]), (None, None))
    return AndroidRun(
        serial=serial,
        file=run.file,
        sha256=run.sha256,
        binary=run.binary,
        delegate=run.delegate,
        ran_on=ran_on,
        num_threads=run.num_threads,
        repeat=run.repeat,
        argv=run.argv,
        log=log,
        exit_code=finished.exit_code,
        problem=problem,
        problem_kind=kind,
        before=finished.before,
        after=finished.after,
        record=record,
        output=check,
        program=run.program,
    )


def measured(run: AndroidRun) -> bool:
    """Whether the run ended well and holds a latency, whosever it is."""
    return run.exit_code == 0 and run.record.status == "ok"


def _ran_on(delegate: str, record: BenchmarkRecord) -> str | None:
    name = delegate.partition(":")[0]
    if name == "cpu":
        return "cpu"
    if record.delegate in _IN_LOGS.get(name, (name,)):
        return {"full": name, "partial": name, "none": "cpu", None: None}[record.delegation]
    # Only the CPU's own delegate is named.
    return "cpu" if record.delegate == "xnnpack" else None


def _failure(finished: FinishedRun, record: BenchmarkRecord) -> str | None:
    if finished.exit_code is None:
        seconds = f" ({finished.timeout:g} s)" if finished.timeout else ""
        return f"stopped, as it did not end in time{seconds}; a larger --timeout repeats it"
    if finished.exit_code:
        return record.error or f"ended {_how(finished.exit_code)}"
    if record.status != "ok":
        return record.error or "its log holds no result"
    return None


def _how(exit_code: int) -> str:
    with contextlib.suppress(ValueError):
        return f"by the signal {signal.Signals(exit_code - _SIGNALS).name}"
    return f"with exit code {exit_code}"


def _wrong_output(
    run: PlannedRun, output: bytes | None, check: OutputCheck | None, *, compared: bool
) -> str | None:
    if run.output is None:
        return None
    if output is None:
        return "wrote no output to compare"
    if not compared:
        return None
    if check is None:
        return "wrote an output of another size, or with NaN or infinity"
    if not check.passed:
        return f"its output differs from this machine's CPU by {check.relative_error:.1%}"
    return None


def _fallback(delegate: str, ran_on: str | None, record: BenchmarkRecord) -> str | None:
    if ran_on is None:
        return f"its log does not say that {delegate} ran the model"
    if ran_on == "cpu" and delegate != "cpu":
        reason = f" ({record.error})" if record.error else ""
        return f"{delegate} fell back to the CPU{reason}"
    return None


def _throttled(finished: FinishedRun) -> str | None:
    states = {"before": finished.before, "after": finished.after}
    for when, state in states.items():
        if state is not None and state.throttling:
            return (
                f"the phone was slowed down by its temperature {when} it (thermal status "
                f"{state.thermal_status}): let it cool down and remove this run's files to repeat "
                "it"
            )
    return None


def _first(outputs: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    return outputs.reshape(len(outputs), -1).argmax(axis=1)
