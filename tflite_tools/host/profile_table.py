"""The time of a file's operators, those of a kind together."""

from collections import defaultdict

from rich.markup import escape
from rich.table import Table

from tflite_tools.benchmark_log import OpTime
from tflite_tools.host.records import HostRecord
from tflite_tools.thread_counts import in_words

_XNNPACK = "Delegate/"


def profile_table(record: HostRecord, name: str) -> Table:
    """Under the file's name one row for each kind of operator, the slowest first."""
    table = Table(
        title=escape(f"Operators of {name}, {in_words(record.num_threads)}"),
        title_style="bold",
        caption="Medians of runs of their own, by the clock of LiteRT's profiler, which cuts off "
        "parts of microseconds.",
    )
    table.add_column("operator")
    for heading in ("count", "ms", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    kinds = defaultdict[str, list[OpTime]](list)
    for op in record.op_profile:
        kinds[op.op].append(op)
    for kind, ops in sorted(kinds.items(), key=lambda item: -sum(op.mean_ms for op in item[1])):
        name = f"{kind.removeprefix(_XNNPACK)}, XNNPACK" if kind.startswith(_XNNPACK) else kind
        table.add_row(
            escape(name),
            str(len(ops)),
            f"{sum(op.mean_ms for op in ops):.3f}",
            f"{sum(op.share for op in ops):.1%}",
        )
    return table
