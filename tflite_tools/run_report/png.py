"""The charts of a report as PNG pictures, drawn with Matplotlib."""

import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from tflite_tools.naming import shortened
from tflite_tools.run_report.charts import (
    KINDS,
    Bar,
    CoverageRow,
    Point,
    accuracy_points,
    coverage_matrix,
    latency_bars,
)
from tflite_tools.run_report.report import RunReport
from tflite_tools.tables import milliseconds

_COLOURS = dict(
    zip(
        (*KINDS, "unknown"),
        ("#3f6fd8", "#d9761a", "#1f9268", "#8a55e0", "#cf3f86", "#7c8796"),
        strict=True,
    )
)
_INCHES_A_BAR = 0.28
_LONGEST = 40


def missing_matplotlib() -> str | None:
    """Why there can be no pictures; None if there can."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return (
            "the plots are left out: they need Matplotlib, which is not installed: pip install "
            "'keras-finet[plot]'."
        )
    return None


def pictures(report: RunReport) -> Iterator[tuple[str, bytes]]:
    """Names of pictures and what they hold; a chart without data is none."""
    bars, points = latency_bars(report), accuracy_points(report)
    delegates, rows = coverage_matrix(report)
    if bars:
        yield "latency.png", _as_png(_latency(bars))
    if points:
        yield "accuracy.png", _as_png(_accuracy(points, [file.name for file in report.files]))
    if rows:
        yield "coverage.png", _as_png(_coverage(delegates, rows))


def _as_png(figure: Any) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        # Names may be in a script that Matplotlib's font lacks: it draws boxes.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(content, format="png", dpi=120)
    return content.getvalue()


def _panels(count: int, height: float, *, width: float = 8.0) -> tuple[Any, Sequence[Any]]:
    # Not pyplot, which would open a window and keep the figure.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height * count), layout="constrained")
    return figure, list(figure.subplots(count, 1, squeeze=False)[:, 0])


def _latency(bars: dict[str, list[Bar]]) -> Any:
    most = max(len(same) for same in bars.values())
    figure, panels = _panels(len(bars), 1.4 + _INCHES_A_BAR * most)
    for axes, (place, same) in zip(panels, bars.items(), strict=True):
        for position, bar in enumerate(same):
            _draw_bar(axes, position, bar)
        labels = [f"{_plain(bar.file)}, {_plain(bar.label)}" for bar in same]
        axes.set_yticks(range(len(same)), labels, fontsize=8)
        axes.set_ylim(len(same) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.margins(x=0.12)
        axes.set_xlabel("ms, median and spread")
        axes.set_title(_plain(place), loc="left")
        _tidy(axes)
    return figure


def _draw_bar(axes: Any, position: int, bar: Bar) -> None:
    if bar.value is None:
        axes.text(0, position, f" {bar.remark}", va="center", fontsize=8, color="tab:red")
        return
    spread = None
    if bar.low is not None and bar.high is not None:
        spread = [[max(bar.value - bar.low, 0)], [max(bar.high - bar.value, 0)]]
    pale = bool(bar.remark)
    axes.barh(
        position,
        bar.value,
        xerr=spread,
        color=_COLOURS[bar.kind],
        alpha=0.4 if pale else 1.0,
        hatch="//" if pale else None,
        capsize=2,
    )
    end = max(bar.value, bar.high or 0.0)
    text = f"  {milliseconds(bar.value)}" + (f", {bar.remark}" if bar.remark else "")
    axes.text(end, position, text, va="center", fontsize=8)


def _accuracy(points: dict[str, list[Point]], names: Sequence[str]) -> Any:
    figure, panels = _panels(len(points), 4.0)
    for axes, (place, same) in zip(panels, points.items(), strict=True):
        for point in same:
            axes.plot(point.latency, point.top1 * 100, "o", ms=13, color=_COLOURS[point.kind])
            axes.annotate(
                str(point.number),
                (point.latency, point.top1 * 100),
                ha="center",
                va="center",
                color="white",
                fontsize=8,
            )
        for kind in dict.fromkeys(point.kind for point in same):
            axes.plot([], [], "o", color=_COLOURS[kind], label=kind)
        for number in sorted({point.number for point in same}):
            axes.plot([], [], " ", label=f"{number}: {_plain(names[number - 1])}")
        axes.set_xlim(0, 1.08 * max(point.latency for point in same))
        axes.margins(y=0.2)
        axes.set_xlabel("ms")
        axes.set_ylabel("top-1, %")
        axes.set_title(_plain(place), loc="left")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, frameon=False)
        _tidy(axes)
    return figure


def _coverage(delegates: Sequence[str], rows: Sequence[CoverageRow]) -> Any:
    figure, (axes,) = _panels(
        1, 1.6 + 0.42 * len(rows), width=max(8.0, 3.0 + 0.95 * len(delegates))
    )
    shares = [[cell[0].mac_share or 0.0 if cell else 0.0 for cell in row.cells] for row in rows]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for y, row in enumerate(rows):
        for x, cell in enumerate(row.cells):
            axes.text(x, y, _cell_text(cell), ha="center", va="center", fontsize=7)
    axes.set_xticks(range(len(delegates)), delegates, fontsize=8)
    labels = [f"{_plain(row.file)}\n{row.target}" for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    axes.set_title("Share of multiply-accumulates by the rules, and what the logs say", loc="left")
    return figure


def _cell_text(cell: Any) -> str:
    if cell is None:
        return "–"
    coverage, comparisons = cell
    share = "–" if coverage.mac_share is None else f"{coverage.mac_share:.1%}"
    said = {
        "log agrees" if row.agreement == "agrees" else f"log: {row.delegation}"
        for row in comparisons
        if row.agreement in ("agrees", "differs")
    }
    return "\n".join([share, *sorted(said)])


def _tidy(axes: Any) -> None:
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _plain(text: str) -> str:
    """Matplotlib takes what stands between dollar signs for a formula."""
    return shortened(text, _LONGEST).replace("$", r"\$")
