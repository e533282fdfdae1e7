"""The caller's side: starts a worker, relays its progress, takes its result."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tflite_tools.errors import ToolError
from tflite_tools.worker import exchange

# What decides in the child which Keras, which backend and which numbers it works with.
_NOT_INHERITED = ("KERAS_", "TF_USE_LEGACY_KERAS", "PYTHONWARNINGS")
_ROOT = str(Path(__file__).parents[2])
_PROGRAM = "from tflite_tools.worker.child import main; main()"
_TAIL_LINES = 5


class WorkerError(ToolError):
    """A worker ended without a result.

    Attributes:
        signal: The signal that ended it; None if it ended by itself.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.signal = signal.Signals(-code) if code < 0 else None


def run_in_worker(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    backend: str = "tensorflow",
    env: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] = lambda line: None,
    verbose: bool = False,
) -> Any:
    """Runs a function in a fresh Python process and returns what it returns.

    Nothing of this process' Keras reaches the other: its backend, its settings and what it has
    loaded are its own. The worker ends when the caller is interrupted or dies.

    Args:
        function: At the top level of a module, found there by its name.
        arguments: Its keyword arguments. These and the result are of JSON types, arrays, bytes
            and paths; tuples arrive as lists, arrays read-only.
        backend: The worker's KERAS_BACKEND.
        env: Environment variables to set in the worker.
        on_progress: Is called with every line that the function hands to `progress`.
        verbose: Whether what the worker prints reaches the terminal.

    Raises:
        ToolError: The function raised one.
        WorkerError: The worker ended without a result.
    """
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as name:
        folder = Path(name)
        task = {
            "module": function.__module__,
            "function": function.__qualname__,
            "arguments": arguments,
        }
        exchange.write(task, folder, "task")
        code = _run(folder, _environment(backend, env or {}, verbose), on_progress, verbose)
        if not (folder / "result.json").exists():
            raise WorkerError(_why_no_result(function.__qualname__, code, folder / "log"), code)
        result = exchange.read(folder, "result")
        if "error" in result:
            raise ToolError(result["error"])
        return _in_memory(result["returned"])


def _run(
    folder: Path, env: dict[str, str], on_progress: Callable[[str], None], verbose: bool
) -> int:
    with (folder / "log").open("wb") as log, _worker(folder, env, None if verbose else log) as run:
        assert run.stdout is not None  # a pipe, by the call that made it
        for line in run.stdout:
            on_progress(line.decode(errors="replace").rstrip("\n"))
        return run.wait()


@contextmanager
def _worker(
    folder: Path, env: dict[str, str], log: IO[bytes] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that does not outlive the block."""
    process = subprocess.Popen(
        # -P: what lies in the current folder is not what its imports mean.
        [sys.executable, "-P", "-c", _PROGRAM, str(folder)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for the parent, which ends the worker itself
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _environment(backend: str, given: Mapping[str, str], verbose: bool) -> dict[str, str]:
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(_NOT_INHERITED)
    }
    if not verbose:
        inherited["TF_CPP_MIN_LOG_LEVEL"] = "3"
    env = {**inherited, "KERAS_BACKEND": backend, **given}
    # The packages of this very checkout, and before them whatever was asked for.
    paths = [path for path in (env.get("PYTHONPATH"), _ROOT) if path]
    return {**env, "PYTHONPATH": os.pathsep.join(paths)}


def _why_no_result(task: str, code: int, log: Path) -> str:
    ended = f"with exit code {code}"
    if code < 0:
        ended = f"by the signal {signal.Signals(-code).name}"
        if -code == signal.SIGKILL:
            ended += " (the system does that when memory runs out)"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = "\n".join(lines[-_TAIL_LINES:])
    return f"{task}: the worker process ended {ended} before it was done.\n{said}".rstrip()


def _in_memory(value: Any) -> Any:
    """The same without a need for the worker's files, which go now."""
    if isinstance(value, dict):
        return {key: _in_memory(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_memory(item) for item in value]
    return value.copy() if hasattr(value, "__array__") else value
