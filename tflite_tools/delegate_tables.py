"""Operators and delegates as tables."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from tflite_tools.delegates import Decision, DelegateReport, TargetReport
from tflite_tools.operator_report import OperatorReport
from tflite_tools.tables import formatted

_REASONS_SHOWN = 12


def operator_table(
    operators: Sequence[OperatorReport],
    *,
    not_counted: Sequence[str] = (),
    counted_as: Sequence[str] = (),
) -> Table:
    """A row for each kind of operator: its versions, its costs.

    Args:
        operators: The operators of the main graph.
        not_counted: Those of them that run other subgraphs.
        counted_as: For inputs of any size, the shapes that the costs are for.
    """
    table = Table(title="operators", title_style="bold")
    notes = []
    if not_counted:
        table.title = "operators of the main graph"
        names = ", ".join(dict.fromkeys(not_counted))
        notes.append(f"There are more MACs: what {names} runs is not counted.")
    if counted_as:
        notes.append(f"MACs for an input of {', '.join(counted_as)}: larger ones need more.")
    table.caption = escape("\n".join(notes)) or None
    table.add_column("operator", style="bold", overflow="fold")
    for heading in ("version", "count", "MACs", "share", "weights KiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    total = sum(operator.macs for operator in operators)
    for name, count in Counter(operator.name for operator in operators).most_common():
        same = [operator for operator in operators if operator.name == name]
        macs = sum(operator.macs for operator in same)
        table.add_row(
            escape(name),
            ", ".join(map(str, sorted({operator.version for operator in same}))),
            str(count),
            "?" if name in not_counted else f"{macs:,}",
            formatted(macs / total if total and not not_counted else None, ".1%"),
            f"{sum(operator.weight_bytes for operator in same) / 1024:,.1f}",
        )
    return table


def delegate_table(report: TargetReport) -> Table:
    """A row for each delegate of a target: what it takes, and why not the rest."""
    table = Table(
        title=escape(f"delegates of {report.target.title}"),
        title_style="bold",
        caption="\n".join(_advice(report)),
        caption_justify="left",
        show_lines=True,
    )
    table.add_column("delegate", style="bold", no_wrap=True)
    table.add_column("takes", no_wrap=True)
    table.add_column("MACs", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for _, group in itertools.groupby(report.delegates, key=_cells):
        same = list(group)
        table.add_row("\n".join(found.delegate for found in same), *_cells(same[0]))
    return table


def _cells(report: DelegateReport) -> tuple[str, str, str]:
    text = "\n".join((report.verdict, *_reasons(report)))
    return report.coverage, formatted(report.mac_share, ".1%"), escape(text)


def _reasons(report: DelegateReport) -> list[str]:
    """Why operators are not taken, each reason once."""
    against = (d for d in report.decisions if d.status != "taken" and not d.fatal)
    counts = Counter(map(_reason, against))
    lines = [f"· {op}×{n} {reason} [{source}]" for (op, reason, source), n in counts.items()]
    if len(lines) <= _REASONS_SHOWN:
        return lines
    return [*lines[:_REASONS_SHOWN], f"· {len(lines) - _REASONS_SHOWN} more reasons: see --json"]


def _reason(decision: Decision) -> tuple[str, str, str]:
    file, _, lines = decision.source.rpartition(":")
    return decision.op, decision.reason or "", f"{file.rpartition('/')[2]}:{lines}"


def _advice(report: TargetReport) -> Iterator[str]:
    target = report.target
    parts = [part for part in (target.cpu, target.gpu, target.npu) if part]
    if parts:
        yield escape("; ".join(parts))
    if report.recommended is None:
        yield f"none to try with this {report.precision} file: none is known to take any of it"
    else:
        yield f"try first with this {report.precision} file: {report.recommended}"
    attempts = ", ".join(f"{a.precision} on {a.delegate}" for a in target.attempts)
    yield f"in general, in this order: {attempts}"
    if target.accelerators:
        yield f"NNAPI accelerators seen: {', '.join(target.accelerators)}"
    for warning in target.warnings:
        yield escape(f"! {warning}")
