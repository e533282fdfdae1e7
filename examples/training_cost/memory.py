"""How much resident memory a function needs at its peak, beyond what the process held before."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

# glibc keeps freed blocks below a threshold, which grows, for itself: a second step would reuse
# what the first has left in the process and seem to need nothing. With a fixed 64 KiB everything
# larger goes back to the system at once. glibc reads it when a process starts.
MALLOC_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536"}
_RESET_PEAK = "5"  # proc(5), /proc/pid/clear_refs: sets VmHWM to VmRSS


def resident_peak_bytes(
    function: Callable[[], object], process: Path = Path("/proc/self")
) -> int | None:
    """Returns how far a call raises the resident memory of this process at most.

    The process has to have been started with `MALLOC_ENVIRONMENT`. Only Linux can tell: None
    elsewhere, and where a container forbids resetting the peak.
    """
    try:
        with (process / "clear_refs").open("w") as file:
            file.write(_RESET_PEAK)
    except OSError:
        return None
    before = _status(process, "VmRSS")
    function()
    return _status(process, "VmHWM") - before


def _status(process: Path, key: str) -> int:
    match = re.search(rf"^{key}:\s+(\d+) kB$", (process / "status").read_text(), re.MULTILINE)
    assert match is not None
    return 1024 * int(match[1])
