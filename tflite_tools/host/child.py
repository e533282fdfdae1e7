"""The part that runs in a process of its own, in which nothing was loaded before."""

import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.interpreter import LiteModel

_RUNS = 3
_RESET_PEAK = "5"  # proc(5), /proc/pid/clear_refs: sets VmHWM to VmRSS
_PROCESS = Path("/proc/self")


def load_and_run(path: str, num_threads: int) -> dict[str, Any]:
    """Loads a file and runs it, and returns `init_ms` and `peak_memory_mb` of a `HostRecord`."""
    before = _resident_bytes()
    start = time.perf_counter_ns()
    model = LiteModel(path, num_threads=num_threads)
    init_ms = (time.perf_counter_ns() - start) / 1e6
    model.load(np.zeros((model.batch_size, *model.sample_shape), np.float32))
    for _ in range(_RUNS):
        model.invoke()
    peak = None if before is None else (_status("VmHWM") - before) / 1e6
    return {"init_ms": init_ms, "peak_memory_mb": peak}


def _resident_bytes() -> int | None:
    """Of now, from where on the peak counts; None where that cannot be had."""
    try:
        (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
    except OSError:
        return None
    return _status("VmRSS")


def _status(key: str) -> int:
    match = re.search(rf"^{key}:\s+(\d+) kB$", (_PROCESS / "status").read_text(), re.MULTILINE)
    assert match is not None  # proc(5)
    return 1024 * int(match[1])
