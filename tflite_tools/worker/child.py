"""The worker's side: runs one function and writes what it returns."""

import importlib
import os
import sys
import threading
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.worker import exchange

_channel: int | None = None


def progress(line: str) -> None:
    """Tells the parent how far the work is; does nothing outside a worker."""
    if _channel is not None:
        os.write(_channel, f"{' '.join(line.splitlines())}\n".encode())


def main() -> None:
    """Runs the task in the folder that the command line names."""
    folder = Path(sys.argv[1])
    _open_channel()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    task = exchange.read(folder, "task")
    function = getattr(importlib.import_module(task["module"]), task["function"])
    try:
        result = {"returned": function(**task["arguments"])}
    except ToolError as error:
        result = {"error": str(error)}
    exchange.write(result, folder, "result")


def _open_channel() -> None:
    """Keeps standard output for progress: what libraries print goes to standard error."""
    global _channel
    _channel = os.dup(1)
    os.dup2(2, 1)


def _end_with_the_parent() -> None:
    """The parent never writes to the pipe: when it ends, the parent is gone."""
    os.read(0, 1)
    os._exit(1)
