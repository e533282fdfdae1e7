"""Functions that the tests of the worker run in one."""

import os
import sys
import time
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.worker import progress


def echo(**arguments):
    """Returns what it was given, and the types that it arrived as."""
    return {"given": arguments, "types": {key: type(v).__name__ for key, v in arguments.items()}}


def surroundings():
    import keras

    return {
        "backend": keras.backend.backend(),
        "floatx": os.environ.get("KERAS_FLOATX"),
        "legacy": os.environ.get("TF_USE_LEGACY_KERAS"),
        "pid": os.getpid(),
    }


def refuse(problem):
    raise ToolError(problem)


def fail():
    print("what led to it", file=sys.stderr)
    raise RuntimeError("no such table")


def crash(number):
    os.kill(os.getpid(), number)


def tell(lines):
    print("noise on standard output")
    os.write(1, b"noise from C\n")
    for line in lines:
        progress(line)


def wait_for_ever(folder):
    (Path(folder) / "pid").write_text(str(os.getpid()))
    progress("waiting")
    while True:
        time.sleep(1)
