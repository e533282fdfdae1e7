"""Runs of phones whose screen was off, or may have been."""

from collections.abc import Iterable

from tflite_tools.android.records import AndroidRun

_REMEDY = "wake the phone, and keep it so: adb shell svc power stayon usb"


def screen_complaints(runs: Iterable[AndroidRun]) -> list[str]:
    """A line for each phone that was not awake, or did not tell, before one of its runs."""
    off: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for run in runs:
        if run.before is not None and not run.before.screen_on:
            counts = unknown if run.before.screen_on is None else off
            counts[run.serial] = counts.get(run.serial, 0) + 1
    return [
        *(
            f"{serial}: its screen was off before {count} of the runs, which slows programs down; "
            f"{_REMEDY}."
            for serial, count in off.items()
        ),
        *(
            f"{serial}: it does not tell whether its screen is on: look at it. If it is off, "
            f"{_REMEDY}."
            for serial in unknown
        ),
    ]
