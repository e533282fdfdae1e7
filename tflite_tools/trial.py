"""Whether a .tflite file loads and runs, tried in a process that may die of it.

LiteRT checks the structure of a file, but not all that stands in it: with a shape or a parameter
damaged it can end the process, ask for more memory than there is, or never return.
"""

import functools
import hashlib
import os
import signal
import sys
from pathlib import Path

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel, read_tflite
from tflite_tools.worker import WorkerError, run_in_worker

_SECONDS = 120.0
# Address space that libraries and threads reserve and do not use.
_MAPPED_ONLY = 4 << 30
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
        answer: str | None = run_in_worker(tried, {"path": path, "seconds": _SECONDS})
    except WorkerError as error:
        if error.signal is None:
            return f"{path}: LiteRT cannot be tried on it: {str(error).splitlines()[-1]}"
        if error.signal.name == "SIGALRM":
            return f"{path}: LiteRT takes more than {_SECONDS:g} s to load and run it. {_ADVICE}"
        return f"{path}: LiteRT crashes on loading or running it ({error.signal.name}). {_ADVICE}"
    return answer


def tried(path: str, seconds: float) -> str | None:
    """Loads a file and runs it on zeros, in a worker: what is wrong with it, or None."""
    _limit(seconds)
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


def _limit(seconds: float) -> None:
    """A damaged size must not take more memory than the machine has, nor all night."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
    if sys.platform == "linux":
        import resource

        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") + _MAPPED_ONLY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
