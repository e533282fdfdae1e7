"""The lines of a log without what terminals and loggers add, and the numbers in them."""

import math
import re
from decimal import Decimal

# A number that the log ends with may have lost its last digits: it is none.
NUMBER = r"([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?![0-9.eE]|\Z)"
COUNT = r"([0-9]+)(?![0-9.eE]|\Z)"

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LINE_END = re.compile(r"\r*\n|\r")
_PREFIX = re.compile(
    r"""\s*(?:
    (?:INFO|WARN|WARNING|ERROR|FATAL|VERBOSE):\s
    | (?:\d\d\d\d-)?\d\d-\d\d\s\d\d:\d\d:\d\d\.\d+\s+\d+\s+\d+\s+[VDIWEF]\s+[\w.-]+\s*:\s  # logcat
    | [VDIWEF]/[\w.-]+\s*\(\s*\d+\):\s                                                     # logcat
    | \d{4}-\d\d-\d\d\s\d\d:\d\d:\d\d\.\d+:\s[VDIWEF]\s\S+\]\s                             # 2019
    | [IWEF]\d{4}\s[0-9:.]+\s+\d+\s\S+:\d+\]\s                                             # absl
    | \[[\w./-]+:\d+\]\s                                                                   # LiteRT
    )""",
    re.VERBOSE | re.ASCII,
)
# Longer lines are no benchmark's; they would only cost time.
_LONGEST_LINE = 4000
# More digits than any figure has; Python refuses to convert thousands.
_MOST_DIGITS = 40


def clean_lines(text: str) -> list[str]:
    """The lines of a log, each with a line feed at its end but for one that was cut off."""
    parts = _LINE_END.split(_ESCAPES.sub("", text))
    whole, last = parts[:-1], parts[-1]
    lines = [_without_prefix(part[:_LONGEST_LINE]).rstrip() + "\n" for part in whole]
    return [*lines, _without_prefix(last[:_LONGEST_LINE])] if last else lines


def figure(text: str | None) -> float | None:
    """The number that `NUMBER` found; None for none, and for one that no measurement gives."""
    if text is None or len(text) > _MOST_DIGITS:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def milliseconds(microseconds: str | None) -> float | None:
    """A time that the log gives in microseconds."""
    if figure(microseconds) is None:
        return None
    # Decimal, as printed: 12222.3 / 1e3 is 12.222299999999999.
    return figure(str(Decimal(microseconds or "") / 1000))


def whole_number(text: str | None) -> int | None:
    """The number that `COUNT` found."""
    return None if text is None or len(text) > _MOST_DIGITS else int(text)


def _without_prefix(line: str) -> str:
    while found := _PREFIX.match(line):
        line = line[found.end() :]
    return line.replace("\0", "")
