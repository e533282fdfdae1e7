"""A report of this machine in a file, and back."""

import json
import os
from dataclasses import replace
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.host.records import HostRecord
from tflite_tools.host.report import HostReport
from tflite_tools.json_records import record_from
from tflite_tools.output_folder import replaceable_file, whole_file

PATTERN = "host*.json"
_KIND = "host"
_SCHEMA = 1
_REMEDY = "Repeat `tflite-tools benchmark --host -o FOLDER`."


def write_host_report(report: HostReport, folder: Path) -> Path:
    """Writes `host.json`, beside those of other files or numbers of threads that are there.

    Returns:
        The file that was written: `host.json`, or with a number if others have that name.
    """
    # A report may be made from another folder.
    records = tuple(replace(each, file=each.file.absolute()) for each in report.records)
    report = replace(report, records=records)
    subject = _subject(report)
    path = replaceable_file(
        folder, "host", lambda path: _subject(load_host_report(path)) == subject
    )
    content = {"kind": _KIND, "schema": _SCHEMA, **json.loads(report.to_json())}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def _subject(report: HostReport) -> list[tuple[Path, str, int, bool]]:
    return [
        (record.file, record.sha256, record.num_threads, bool(record.op_profile))
        for record in report.records
    ]


def load_host_report(path: str | os.PathLike[str]) -> HostReport:
    """Reads what `write_host_report` wrote.

    Raises:
        ToolError: The file cannot be read, is damaged, or is another version's.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise ToolError(f"{path}: expected a readable report: {error.strerror}.") from error
    # Of JSON and of text that is not UTF-8; of brackets without an end.
    except (ValueError, RecursionError) as error:
        raise ToolError(f"{path}: not JSON, or cut off: {error}. {_REMEDY}") from error
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise ToolError(f'{path}: expected a benchmark with "kind": "{_KIND}". {_REMEDY}')
    if (schema := content.get("schema")) != _SCHEMA:
        raise ToolError(f"{path}: expected version {_SCHEMA}, got {schema!r}. {_REMEDY}")
    try:
        report = record_from(HostReport, content)
    except ValueError as error:
        raise ToolError(f"{path}: not the report of a benchmark: {error}. {_REMEDY}") from error
    if not report.records:
        raise ToolError(f"{path}: a benchmark without a record. {_REMEDY}")
    for index, record in enumerate(report.records):
        if name := _impossible(record):
            raise ToolError(
                f"{path}: records[{index}].{name}: no benchmark gives {getattr(record, name)!r}. "
                f"{_REMEDY}"
            )
    return report


def _impossible(record: HostRecord) -> str | None:
    """The first figure that cannot be: zero, negative, or out of order."""
    positive = ("num_threads", "runs", "mean_ms", "median_ms", "p95_ms", "min_ms", "ratio")
    above = (name for name in (*positive, "throughput") if getattr(record, name) <= 0)
    not_below = ("std_ms", "cpu_ms", "init_ms", "size_bytes", "ops_total")
    below = (name for name in not_below if getattr(record, name) < 0)
    return next(above, next(below, _out_of_order(record)))


def _out_of_order(record: HostRecord) -> str | None:
    if sum(ops.count for ops in record.ops_not_taken) > record.ops_total:
        return "ops_not_taken"
    return None if record.min_ms <= record.median_ms <= record.p95_ms else "median_ms"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no figure")
