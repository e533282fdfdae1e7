"""Latencies and memory, in all the forms that they had since 2019."""

import re
from dataclasses import dataclass

from tflite_tools.benchmark_log.cleaning import COUNT, NUMBER, figure, milliseconds, whole_number

_TIME = r"([0-9.]+(?:e[+-]?[0-9]+)?)"
# At the start of a line only: op profiles have lines of this form too, after other words.
_STATISTICS = re.compile(rf"\s*count={COUNT}(?P<rest>.*)", re.DOTALL)
_STATISTIC = re.compile(rf"\b(first|curr|min|max|avg|std|p5|median|p95)={NUMBER}")
_SESSION = re.compile(rf"Initialized session in {NUMBER} ?ms")
_RESULT = re.compile(
    rf"Inference timings in us: Init: {NUMBER}, First inference: {NUMBER}, "
    rf"Warmup \(avg\): {NUMBER}, Inference \(avg\): (?P<mean>\S+)",
)
_RESULT_OF_2019 = re.compile(
    rf"Average inference timings in us: Warmup: {NUMBER}, Init: {NUMBER}, "
    r"(?:no stats|Inference): (?P<mean>\S+)",
)
_MEMORY = re.compile(
    r"(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): "
    rf"init=\S+ overall={NUMBER}"
)
_PEAK_MEMORY = re.compile(
    rf"Overall peak memory footprint \(MB\) via periodic monitoring: {NUMBER}"
)
_LITERT = {
    "init_ms": re.compile(rf"Model initialization:\s+{NUMBER} ms"),
    "first_ms": re.compile(rf"Warmup \(first\):\s+{NUMBER} ms"),
    "warmup_ms": re.compile(rf"Warmup \(avg\):\s+{NUMBER} ms"),
    "mean_ms": re.compile(rf"Inference \(avg\):\s+{NUMBER} ms \([0-9]+ runs\)"),
    "min_ms": re.compile(rf"Inference \(min\):\s+{NUMBER} ms"),
    "max_ms": re.compile(rf"Inference \(max\):\s+{NUMBER} ms"),
    # In milliseconds too, though the line does not say it.
    "std_ms": re.compile(rf"Inference \(std\):\s+{NUMBER}"),
    "memory_mb": re.compile(rf"Overall footprint:\s+{NUMBER} MB"),
    "peak_memory_mb": re.compile(rf"Peak memory:\s+{NUMBER} MB"),
}
_LITERT_RUNS = re.compile(rf"Inference \(avg\):\s+\S+ ms \({COUNT} runs\)")


@dataclass(frozen=True)
class Timings:
    """The attributes of these names of a `BenchmarkRecord`, and whether the result is there."""

    finished: bool
    runs: int | None
    figures: dict[str, float | None]


@dataclass(frozen=True)
class _Statistics:
    """One `count=` line, in milliseconds."""

    runs: int
    values: dict[str, float | None]
    printed_mean: str | None

    @property
    def mean(self) -> float | None:
        return self._or_the_only("avg")

    @property
    def first(self) -> float | None:
        return self._or_the_only("first")

    def figures(self) -> dict[str, float | None]:
        names = {"median_ms": "median", "p95_ms": "p95", "min_ms": "min", "max_ms": "max"}
        found = {name: self.values.get(short) for name, short in names.items()}
        equal = self._all_equal()
        if equal is not None:
            found = dict.fromkeys(names, equal)
        std = self.values.get("std")
        return {**found, "mean_ms": self.mean, "std_ms": 0.0 if equal is not None else std}

    def _or_the_only(self, name: str) -> float | None:
        return self.values.get(name, self._all_equal())

    def _all_equal(self) -> float | None:
        """Runs of one duration are printed as `count=N curr=X`."""
        return self.values["curr"] if self.runs and self.values.keys() == {"curr"} else None


def read_timings(lines: list[str]) -> Timings:
    """Reads all times and memory figures of a log."""
    found = [entry for line in lines if (entry := _statistics(line)) is not None]
    warmup = found[0] if found else None
    regular = found[1] if len(found) > 1 else None
    result = _result(lines, regular)
    litert = {name: _first(pattern, lines) for name, pattern in _LITERT.items()}
    session, memory, peak = (_first(p, lines) for p in (_SESSION, _MEMORY, _PEAK_MEMORY))
    # The most exact first: microseconds before milliseconds with two decimals.
    sources = [
        regular.figures() if regular else {},
        result or {},
        {
            "init_ms": session,
            "first_ms": warmup.first if warmup else None,
            "warmup_ms": warmup.mean if warmup else None,
            "memory_mb": memory,
            "peak_memory_mb": peak,
        },
        litert,
    ]
    names = {*_LITERT, "median_ms", "p95_ms"}
    figures = {
        name: next((s[name] for s in sources if s.get(name) is not None), None) for name in names
    }
    if figures["memory_mb"] is None:
        figures["memory_mb"] = figures["peak_memory_mb"]
    runs = regular.runs if regular else _litert_runs(lines)
    finished = result is not None or litert["mean_ms"] is not None
    if runs == 0:
        figures["mean_ms"] = None
    return Timings(finished and figures["mean_ms"] is not None, runs, figures)


def _statistics(line: str) -> _Statistics | None:
    found = _STATISTICS.match(line)
    if not found or not line.endswith("\n"):
        return None
    runs = whole_number(found[1])
    if runs is None:
        return None
    printed = dict(_STATISTIC.findall(found["rest"]))
    if runs and not printed:
        return None
    values = {name: milliseconds(text) for name, text in printed.items()}
    return _Statistics(runs, values, printed.get("avg", printed.get("curr")))


def _result(lines: list[str], regular: _Statistics | None) -> dict[str, float | None] | None:
    """The line that ends a benchmark."""
    for line in lines:
        names: tuple[str, ...]
        if found := _RESULT.search(line):
            names = ("init_ms", "first_ms", "warmup_ms")
        elif found := _RESULT_OF_2019.search(line):
            names = ("warmup_ms", "init_ms")
        else:
            continue
        # Where the log ends in it, the mean is whole if it is the one of the line before.
        whole = line.endswith("\n") or (regular and found["mean"] == regular.printed_mean)
        mean = re.fullmatch(_TIME, found["mean"])
        if whole and mean:
            values = zip(names, map(milliseconds, found.groups()[:-1]), strict=True)
            return {**dict(values), "mean_ms": _as_time(mean[1])}
    return None


def _as_time(text: str) -> float | None:
    try:
        return milliseconds(text)
    except ValueError:  # "1.2.3"
        return None


def _first(pattern: re.Pattern[str], lines: list[str]) -> float | None:
    return next((figure(found[1]) for line in lines if (found := pattern.search(line))), None)


def _litert_runs(lines: list[str]) -> int | None:
    found = (_LITERT_RUNS.search(line) for line in lines)
    return next((whole_number(match[1]) for match in found if match), None)
