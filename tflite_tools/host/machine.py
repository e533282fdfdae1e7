"""The machine that figures are measured on, and how busy it is with other work."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from tflite_tools.host.records import Machine
from tflite_tools.thread_counts import usable_cores

# A share of the cores that an idle desktop may have in use.
_IDLE = 0.25


def describe_machine() -> Machine:
    """Returns what figures depend on; call it before the work that is to be measured."""
    return Machine(
        cpu=_cpu_name(),
        cores=usable_cores(),
        system=platform.platform(terse=True),
        litert=metadata.version("ai-edge-litert"),
        load=_load(),
    )


def warnings_about(machine: Machine, threads: int) -> list[str]:
    """What makes the milliseconds doubtful, a line each.

    Args:
        machine: The machine.
        threads: The largest number of threads that was measured.
    """
    lines = []
    if machine.load is not None and machine.load > _IDLE * machine.cores:
        lines.append(
            f"the machine was busy when the benchmark began: a load of {machine.load:.1f} on "
            f"{machine.cores} cores. The milliseconds mean little, the ratios more, and those of "
            "processor times most; repeat it when nothing else runs."
        )
    if threads > machine.cores:
        lines.append(
            f"{threads} threads were measured on {machine.cores} cores: they wait for each other."
        )
    return lines


def _cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        match = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        match = None
    return match[1].strip() if match else platform.processor() or platform.machine() or "unknown"


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows; a system that does not tell
        return None
