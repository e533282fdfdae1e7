"""The machine that figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Returns what the figures depend on, for the record."""
    return {
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cores": core_count(),
        "python": platform.python_version(),
        "keras": metadata.version("keras"),
        "numpy": metadata.version("numpy"),
    }


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        match = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        match = None
    return match[1] if match else platform.processor() or platform.machine()


def core_count() -> int | None:
    """The cores that this process may use, where the system tells; else those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
