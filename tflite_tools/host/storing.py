"""A report of this machine in a file, and back."""

import json
import os
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.host.records import HostRecord
from tflite_tools.host.report import HostReport
from tflite_tools.json_records import record_from
from tflite_tools.output_folder import whole_file

FILE_NAME = "host.json"
_KIND = "host"
_SCHEMA = 1
_REMEDY = "Repeat `tflite-tools benchmark --host -o FOLDER`."


def write_host_report(report: HostReport, folder: Path) -> Path:
    """Writes a report to `host.json` in a folder, in place of one that is there."""
    path = folder / FILE_NAME
    content = {"kind": _KIND, "schema": _SCHEMA, **json.loads(report.to_json())}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


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
    """The first figure that is zero or negative and cannot be."""
    positive = ("num_threads", "runs", "mean_ms", "median_ms", "p95_ms", "min_ms", "ratio")
    above = (name for name in (*positive, "throughput") if getattr(record, name) <= 0)
    not_below = ("std_ms", "cpu_ms", "init_ms", "size_bytes", "ops_total")
    return next(above, next((name for name in not_below if getattr(record, name) < 0), None))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no figure")
