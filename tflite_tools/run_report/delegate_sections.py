"""The tables on delegates: what the rules say they take, and what the logs say."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tflite_tools.printable import shown
from tflite_tools.run_report.labels import tool_label
from tflite_tools.run_report.records import Comparison, Coverage
from tflite_tools.run_report.sections import Cell, Column, Mark, Section, number_cell
from tflite_tools.tables import formatted

if TYPE_CHECKING:
    from tflite_tools.run_report.report import RunReport

_MARKS: dict[str, Mark] = {"agrees": "good", "differs": "bad"}


def comparison_section(report: "RunReport") -> Section:
    """A row for each thing that the logs of a combination say."""
    return Section(
        name="comparison",
        title="Delegates: the rules beside the devices' own logs",
        note="rules: what the delegate should take by its source. log: what the device says that "
        "it took. Where they differ, the device is right about itself: a driver may refuse what "
        "the source accepts.",
        columns=(
            *(Column("file"), Column("on"), Column("delegate"), Column("rules"), Column("log")),
            *(Column("the two"), Column("the log's remarks")),
        ),
        rows=tuple(map(_comparison_row, report.comparisons)),
    )


def _comparison_row(row: Comparison) -> tuple[Cell, ...]:
    return (
        Cell(row.file),
        Cell(row.place),
        Cell(", ".join([shown(row.delegate), *tool_label(row)])),
        Cell(_predicted(row)),
        Cell(_logged(row)),
        Cell(row.agreement, mark=_MARKS.get(row.agreement, "")),
        Cell(shown(row.remark) or "–"),
    )


def _predicted(row: Comparison) -> str:
    if row.predicted is None:
        return "no rules for it" if row.rule is None else f"{row.rule}: not of this target"
    some = row.predicted
    share = formatted(some.mac_share, ".0%")
    return f"{some.delegate}: {some.coverage}, {some.taken} of {some.operators} ops, {share} MACs"


def _logged(row: Comparison) -> str:
    if row.delegation is None:
        return "does not say"
    counts = "" if row.nodes is None else f", {row.taken} of {row.nodes} nodes"
    return row.delegation + counts


def coverage_section(report: "RunReport") -> Section:
    """A row for each file, target and thing that some of its delegates take."""
    return Section(
        name="coverage",
        title="What delegates take, by their rules",
        note="From the delegates' sources, without running anything. takes: of the operators. "
        "MACs: the share of the multiply-accumulate operations. Delegates with the same answer "
        "stand together. `tflite-tools inspect FILE --target TARGET` tells why not the rest.",
        columns=(
            Column("file"),
            Column("target"),
            Column("delegates"),
            Column("takes", numeric=True),
            Column("MACs", numeric=True),
            Column("partitions", numeric=True),
            Column("why not the rest", detail=True),
        ),
        rows=tuple(map(_coverage_row, _alike(report.coverage))),
    )


def _alike(coverage: Sequence[Coverage]) -> Iterator[list[Coverage]]:
    """Delegates of a file and a target that take the same, in the order of the first of them."""
    groups: dict[tuple[object, ...], list[Coverage]] = {}
    for one in coverage:
        key = (one.file, one.target, one.coverage, one.taken, one.partitions, one.reasons)
        groups.setdefault(key, []).append(one)
    yield from groups.values()


def _coverage_row(same: Sequence[Coverage]) -> tuple[Cell, ...]:
    first = same[0]
    at_least = "≥ " if first.coverage == "unknown" else ""
    return (
        Cell(first.file),
        Cell(first.target),
        Cell(", ".join(one.delegate for one in same)),
        Cell(f"{at_least}{first.taken} of {first.operators}", first.taken),
        number_cell(first.mac_share, ".1%"),
        number_cell(first.partitions, "d"),
        Cell(shown("; ".join(first.reasons)) or "–"),
    )
