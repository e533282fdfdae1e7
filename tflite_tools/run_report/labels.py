"""What rows and charts call a measurement's delegate."""

from tflite_tools.printable import shown
from tflite_tools.run_report.records import Comparison, Measurement


def delegate_label(row: Measurement) -> str:
    """A delegate as it was asked for, with what else sets the run apart."""
    parts = [shown(row.delegate)]
    if row.delegate == "cpu":
        parts.append(f"{row.threads} thread{'' if row.threads == 1 else 's'}")
    parts.extend(tool_label(row))
    if row.op_profile:
        parts.append("op by op")
    return ", ".join(parts)


def tool_label(row: Measurement | Comparison) -> list[str]:
    """The tool that measured, where it is not the one that is always meant."""
    if row.program:
        return [shown(row.program)]
    return ["LiteRT's tool"] if row.binary == "litert" else []


def ran_on_label(row: Measurement) -> str:
    """Whose figures these are, and whether they are worth anything."""
    who = _ran_on(row)
    return f"{who}: wrong output" if row.wrong_output else who


def _ran_on(row: Measurement) -> str:
    share = row.delegated_share
    if row.fell_back:
        return "cpu: fell back"
    if row.ran_on is None:
        return "unknown" if row.measured else "–"
    if row.ran_on != "cpu" and share is not None and share < 1:
        return f"{row.ran_on}, {share:.0%} of ops"
    return row.ran_on
