"""An evaluation kept in a folder, for a report that is made later."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.interpreter import read_tflite
from tflite_tools.json_records import record_from
from tflite_tools.output_folder import replaceable_file, whole_file

PATTERN = "evaluation*.json"


@dataclass(frozen=True)
class _Hashes:
    """What is kept beside a report; what `evaluate --json` prints is without it."""

    sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredEvaluation:
    """An evaluation, and which contents of the files it is of.

    Attributes:
        report: The evaluation.
        sha256: The hash of each file's content by its path; empty if it was not kept.
    """

    report: EvaluationReport
    sha256: dict[str, str]


def save_evaluation(report: EvaluationReport, folder: Path) -> Path:
    """Writes `evaluation.json`, beside those of other files or samples that are there.

    Args:
        report: The evaluation.
        folder: A folder that exists.

    Returns:
        The file that was written: `evaluation.json`, or with a number if others have that name.
    """
    hashes = {
        str(record.file): hashlib.sha256(read_tflite(record.file)).hexdigest()
        for record in report.records
    }
    subject = _subject(report)
    path = replaceable_file(
        folder, "evaluation", lambda path: _subject(load_evaluation(path).report) == subject
    )
    with whole_file(path) as temporary:
        content = {**json.loads(report.to_json()), "sha256": hashes}
        temporary.write_text(json.dumps(content, indent=2))
    return path


def load_evaluation(path: Path) -> StoredEvaluation:
    """Reads what `save_evaluation` wrote, or what `evaluate --json` printed.

    Raises:
        ToolError: It is not that.
    """
    try:
        content = json.loads(path.read_bytes())
        report = record_from(EvaluationReport, content)
        return StoredEvaluation(report, record_from(_Hashes, content).sha256)
    except (OSError, ValueError, RecursionError) as error:
        raise ToolError(
            f"{path}: not an evaluation ({error}). `tflite-tools evaluate -o FOLDER` writes one."
        ) from error


def _subject(report: EvaluationReport) -> tuple[object, ...]:
    return report.source, [
        (str(record.file), record.samples, record.accelerator and record.accelerator.delegate)
        for record in report.records
    ]
