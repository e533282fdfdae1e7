"""The table of operators that `--enable_op_profiling=true` prints."""

import re

from tflite_tools.benchmark_log.cleaning import figure, whole_number
from tflite_tools.benchmark_log.records import OpTime

_HEADING = re.compile(r"={10,} (.+?) ={10,}")
_RUN_ORDER = "Run Order"
_INITIALIZATION = "Profiling Info for Benchmark Initialization"
_REGULAR = "Profiling Info for Regular Benchmark Runs"
_DECIMAL = r"[0-9]+\.[0-9]+"
# Older builds have one more column, the start, before the first and the mean time.
_ROW = re.compile(
    rf"\s*(?P<op>\S.*?)\s+(?:{_DECIMAL}\s+){{1,2}}(?P<mean>{_DECIMAL})\s+(?P<share>{_DECIMAL})%\s+"
    rf"{_DECIMAL}%\s+{_DECIMAL}\s+(?P<calls>[0-9]+)\s+(?P<name>.*)\n"
)
_PERCENT = 100


def read_op_profile(lines: list[str]) -> tuple[tuple[OpTime, ...], bool]:
    """The rows of the regular runs, and whether the log ends in the midst of them."""
    rows: list[OpTime] = []
    regular, open_table = True, False
    for line in lines:
        if _INITIALIZATION in line:
            regular = False
        elif _REGULAR in line:
            regular = True
        elif heading := _HEADING.search(line):
            open_table = regular and heading[1] == _RUN_ORDER
            if open_table:
                rows = []
        elif open_table and (row := _row(line)):
            rows.append(row)
        elif open_table and rows and not line.strip():
            open_table = False
    return tuple(rows), open_table


def _row(line: str) -> OpTime | None:
    found = _ROW.fullmatch(line)
    if not found:
        return None
    mean, share = figure(found["mean"]), figure(found["share"])
    calls = whole_number(found["calls"])
    if mean is None or share is None or calls is None:
        return None
    return OpTime(found["op"], found["name"], mean, share / _PERCENT, calls)
