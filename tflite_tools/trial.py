"""Whether a .tflite file loads and runs, tried in a process that may die of it.

LiteRT checks the structure of a file, but not all that stands in it: with a shape or a parameter
damaged it can end the process, ask for more memory than there is, or never return.
"""

import functools
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel, read_tflite

_SECONDS = 120
_PROGRAM = "import sys; from tflite_tools.trial import main; main(sys.argv[1])"
_ADVICE = "The file is probably damaged: convert the model again, or copy the file again."


def check_runs(path: str | os.PathLike[str]) -> None:
    """Refuses a file that does not load or run on zeros; a file that was tried is not again."""
    content = read_tflite(Path(path))
    if failure := _failure(str(path), hashlib.sha256(content).hexdigest()):
        raise ToolError(failure)


@functools.lru_cache(maxsize=256)
def _failure(path: str, digest: str) -> str | None:
    """What is wrong with a file of this content; None if nothing is."""
    try:
        tried = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM, path],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{path}: LiteRT does not finish loading and running it in {_SECONDS} s. {_ADVICE}"
    if tried.returncode < 0:
        name = signal.Signals(-tried.returncode).name
        return f"{path}: LiteRT crashes on loading or running it ({name}). {_ADVICE}"
    if tried.returncode:
        lines = tried.stderr.decode(errors="replace").splitlines() or ["no message"]
        return f"{path}: LiteRT cannot be tried on it: {lines[-1]}"
    failure: str | None = json.loads(tried.stdout)
    return failure


def main(path: str) -> None:
    """The program of the process that tries the file: prints what is wrong with it as JSON."""
    _limit_memory()
    print(json.dumps(_tried(path)))


def _tried(path: str) -> str | None:
    try:
        model = LiteModel(path)
        model.predict(np.zeros((1, *model.sample_shape), np.float32))
    except ToolError as error:
        return str(error)
    # LiteRT raises several types for what it cannot read out of a file, UnicodeDecodeError
    # and MemoryError among them.
    except Exception as error:
        return f"{path}: LiteRT cannot run it ({type(error).__name__}: {error}). {_ADVICE}"
    return None


def _limit_memory() -> None:
    """A damaged size must not take more memory than the machine has."""
    if sys.platform == "linux":
        import resource

        everything = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        resource.setrlimit(resource.RLIMIT_AS, (everything, everything))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
