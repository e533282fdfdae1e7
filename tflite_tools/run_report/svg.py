"""Charts as SVG inside a page: places in percent, so that text keeps its size on any screen."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from tflite_tools.naming import shortened
from tflite_tools.run_report.charts import Bar, Point
from tflite_tools.run_report.scales import Scale, scale
from tflite_tools.tables import milliseconds

# In percent of the width: where bars and points begin and end.
_BARS = (30.0, 86.0)
_POINTS = (11.0, 96.0)
# In pixels.
_HEADING, _BAR, _AXIS, _PLOT, _RADIUS = 26, 24, 30, 300, 10
# In signs.
_LONGEST = 46


def bar_chart(bars: Sequence[Bar], title: str) -> str:
    """Latencies as horizontal bars with their spread, those of a file under its name."""
    ends = [end for bar in bars for end in (bar.low, bar.value, bar.high)]
    highest = max((end for end in ends if end is not None), default=0.0)
    axis = scale(0.0, highest or 1.0)
    parts: list[str] = []
    y = 0
    for file, same in groupby(bars, key=lambda bar: bar.file):
        parts.append(_text(0, y + 17, shortened(file, _LONGEST), "name", hover=file))
        y += _HEADING
        for bar in same:
            parts += _bar(bar, axis, y)
            y += _BAR
    ticks = _ticks(axis, _BARS, y, "ms")
    return _svg([*ticks, *parts], y + _AXIS, title, _described_bars(bars))


def scatter_chart(points: Sequence[Point], title: str) -> str:
    """Accuracy against latency, a numbered point for each file and delegate."""
    x = scale(0.0, max(point.latency for point in points))
    y = scale(*_padded([point.top1 * 100 for point in points]))
    parts = [*_ticks(x, _POINTS, _PLOT, "ms"), *_levels(y)]
    for point in points:
        left = _between(_POINTS, x.place(point.latency))
        top = _height(y, point.top1 * 100)
        pale = " pale" if point.remark else ""
        hover = (
            f"{point.file}, {point.label}: {milliseconds(point.latency)} ms, top-1 {point.top1:.2%}"
        )
        parts.append(
            f'<g class="point {point.kind}{pale}"><title>{escape(hover)}</title>'
            f'<circle cx="{left:.2f}%" cy="{top:.1f}" r="{_RADIUS}"/>'
            f'<text x="{left:.2f}%" y="{top + 4:.1f}" text-anchor="middle">{point.number}</text>'
            "</g>"
        )
    described = "; ".join(
        f"{point.file} with {point.label}: {milliseconds(point.latency)} ms, {point.top1:.2%}"
        for point in points
    )
    return _svg(parts, _PLOT + _AXIS, title, described)


def _bar(bar: Bar, axis: Scale, y: int) -> Iterator[str]:
    yield _text(0, y + 14, shortened(bar.label, 22), "label", hover=bar.label)
    if bar.value is None:
        yield _text(_BARS[0], y + 14, bar.remark, "missing")
        return
    start, end = _BARS[0], _between(_BARS, axis.place(bar.value))
    pale = " pale" if bar.remark else ""
    hover = f"{bar.label}: {milliseconds(bar.value)} ms" + (f", {bar.remark}" if bar.remark else "")
    if bar.low is not None and bar.high is not None:
        hover += f", {milliseconds(bar.low)} to {milliseconds(bar.high)} ms"
    yield f'<g class="bar {bar.kind}{pale}"><title>{escape(hover)}</title>'
    yield (
        f'<rect x="{start}%" y="{y + 2}" width="{max(end - start, 0.2):.2f}%" height="{_BAR - 7}" '
        'rx="3"/>'
    )
    reach = end
    if bar.low is not None and bar.high is not None:
        low, high = (_between(_BARS, axis.place(value)) for value in (bar.low, bar.high))
        yield _whisker(low, high, y + 2 + (_BAR - 7) / 2)
        reach = max(reach, high)
    yield "</g>"
    value = f"{milliseconds(bar.value)}" + (" ✗" if bar.remark == "wrong output" else "")
    yield _text(reach + 1, y + 15, value, "value")


def _whisker(low: float, high: float, y: float) -> str:
    ends = "".join(
        f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="{y - 4}" y2="{y + 4}"/>' for x in (low, high)
    )
    return f'<line x1="{low:.2f}%" x2="{high:.2f}%" y1="{y}" y2="{y}"/>{ends}'


def _ticks(axis: Scale, span: tuple[float, float], bottom: int, unit: str) -> Iterator[str]:
    for value in axis.ticks:
        x = _between(span, axis.place(value))
        yield f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{bottom}"/>'
        label = f"{value:g} {unit}" if value == axis.ticks[-1] else f"{value:g}"
        yield _text(x, bottom + 18, label, "tick", anchor="middle")


def _levels(axis: Scale) -> Iterator[str]:
    for value in axis.ticks:
        y = _height(axis, value)
        yield (
            f'<line class="grid" x1="{_POINTS[0]}%" x2="{_POINTS[1]}%" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        yield _text(_POINTS[0] - 1, y + 4, f"{value:g} %", "tick", anchor="end")


def _height(axis: Scale, value: float) -> float:
    return (_PLOT - 12) * (1 - axis.place(value)) + 8


def _between(span: tuple[float, float], share: float) -> float:
    return span[0] + (span[1] - span[0]) * share


def _padded(values: Sequence[float]) -> tuple[float, float]:
    """A tenth of the range more at each end, and half a point at least."""
    low, high = min(values), max(values)
    more = max((high - low) / 10, 0.5)
    return max(low - more, 0.0), min(high + more, 100.0)


def _text(
    x: float, y: float, text: str, kind: str, *, anchor: str = "start", hover: str = ""
) -> str:
    title = f"<title>{escape(hover)}</title>" if hover and hover != text else ""
    return (
        f'<text class="{kind}" x="{x:.2f}%" y="{y:g}" text-anchor="{anchor}">{title}'
        f"{escape(text)}</text>"
    )


def _svg(parts: Sequence[str], height: int, title: str, described: str) -> str:
    return (
        f'<svg role="img" width="100%" height="{height}" aria-label="{escape(title)}. '
        f'{escape(described)}">{"".join(parts)}</svg>'
    )


def _described_bars(bars: Sequence[Bar]) -> str:
    return "; ".join(
        f"{bar.file} with {bar.label}: "
        + (bar.remark if bar.value is None else f"{milliseconds(bar.value)} ms")
        + (f", {bar.remark}" if bar.remark and bar.value is not None else "")
        for bar in bars
    )
