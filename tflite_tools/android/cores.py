"""Phones some of whose cores were off when they were to be measured."""

from collections.abc import Iterable, Sequence

from tflite_tools.android.records import DeviceInfo
from tflite_tools.errors import ToolError

_REMEDY = "Wake the phone, plug it in, let it cool down, turn its battery saver off, and repeat"


def check_big_cores(device: DeviceInfo) -> None:
    """Refuses to measure on other cores than those that earlier runs of the phone had."""
    if device.big_cores_off:
        raise ToolError(
            f"{device.serial}: {_named(device.big_cores_off)} now, on which the phone is "
            f"measured; what is missing was not run. {_REMEDY} the command: it runs only what is "
            "missing. To measure on the other cores, name another folder (--output)."
        )


def core_complaints(devices: Iterable[DeviceInfo]) -> list[str]:
    """A line for each phone that may have bigger cores than those it was measured on."""
    return [
        f"{device.serial}: {_named(device.unknown_cores)}, so that it is measured on the fastest "
        f"of the others. {_REMEDY} the command: where they are faster, it measures on them."
        for device in devices
        if device.unknown_cores
    ]


def _named(cores: Sequence[int]) -> str:
    numbers = ", ".join(map(str, cores))
    return f"core {numbers} is off" if len(cores) == 1 else f"cores {numbers} are off"
