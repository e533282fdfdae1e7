"""Calls a function of `child` in a process of its own, and says in one line why it failed."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tflite_tools.errors import ToolError
from tflite_tools.gpu.drivers import Driver
from tflite_tools.worker import WorkerError, run_in_worker

_UNSUPPORTED = "Following operations are not supported by GPU delegate:\n"
_ADAPTER = re.compile(r"Selected adapter: (.*?), arch=.*adapterType=(.*)")
_FATAL = re.compile(r"^F\d{4} .*?\] (.*)$", re.MULTILINE)
_NO_ADAPTER = "No adapters found"


@dataclass(frozen=True)
class Executed:
    """What ran on a GPU.

    Attributes:
        result: What the function returned.
        device: What LiteRT calls the GPU.
        software: Whether it is a program on the processor.
    """

    result: dict[str, Any]
    device: str
    software: bool


def execute(
    function: Callable[..., dict[str, Any]],
    path: Path,
    driver: Driver,
    *,
    progress: Callable[[int], None] | None = None,
    **arguments: Any,
) -> Executed:
    """Calls a function with a .tflite file, a log file and other arguments.

    Args:
        function: One of `child`.
        path: The file.
        driver: The Vulkan driver to run on.
        progress: Called with how many parts of the work are done since the last call.
        **arguments: What else it takes.

    Raises:
        ToolError: The GPU does not take the file, or it fails on it.
    """
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as folder:
        log = Path(folder) / "gpu.log"
        log.touch()
        # The GPU path looks for a folder of the session.
        env = {"XDG_RUNTIME_DIR": folder, **driver.environment}
        try:
            result = run_in_worker(
                function,
                {"path": str(path), "log": str(log), **arguments},
                env=env,
                on_progress=lambda line: None if progress is None else progress(int(line)),
            )
        except ToolError as error:
            _refuse(path, error, log.read_text(errors="replace"), driver)
        device, software = _adapter(log.read_text(errors="replace"))
        return Executed(result, device, software)


def _refuse(path: Path, error: ToolError, log: str, driver: Driver) -> NoReturn:
    if _NO_ADAPTER in log:
        raise ToolError(
            f"LiteRT finds no GPU in the Vulkan driver {driver.name}. Name another driver's file "
            "in VK_DRIVER_FILES."
        ) from error
    if _UNSUPPORTED in log:
        raise ToolError(f"{path}: the GPU does not take {_unsupported(log)}.") from error
    fatal = _FATAL.findall(log)
    if isinstance(error, WorkerError):
        said = fatal[-1] if fatal else error.signal.name if error.signal else "no reason given"
        raise ToolError(f"{path}: LiteRT's GPU path ends its process: {said}") from error
    said = " ".join(line.strip("└ ") for line in str(error).splitlines()[1:])
    raise ToolError(f"{path}: LiteRT's GPU path fails: {said or error}") from error


def _unsupported(log: str) -> str:
    """The operators that are not taken, each reason once, without the tensors' names."""
    lines = log.split(_UNSUPPORTED, 1)[1].splitlines()
    reasons = []
    for line in lines:
        if ": " not in line or line.startswith(("INFO", "I0", "ERROR")):
            break
        op, _, said = line.partition(": ")
        reasons.append(f"{op} ({said.split('. ')[0].rstrip('.')})")
    return ", ".join(dict.fromkeys(reasons)) or "an operator of it"


def _adapter(log: str) -> tuple[str, bool]:
    found = _ADAPTER.search(log)
    return (found[1], "Software" in found[2]) if found else ("unknown", False)
