"""The accuracies of files, from the evaluations in a folder."""

from collections.abc import Mapping
from pathlib import Path

from tflite_tools.evaluation_file import StoredEvaluation
from tflite_tools.records import EvaluationRecord
from tflite_tools.run_report.files import Catalogue, KnownFile
from tflite_tools.run_report.records import Accuracy

_Found = tuple[KnownFile, Accuracy]


def add_accuracies(
    catalogue: Catalogue, evaluations: Mapping[Path, StoredEvaluation]
) -> tuple[dict[int, tuple[Accuracy, ...]], list[str]]:
    """Adds the evaluated files to a catalogue that has the measured ones.

    Returns:
        For each file, by its `id`, the evaluation of the most samples on the processor and on each
        accelerator; and a line for each evaluation that is not among them.
    """
    kept: dict[tuple[int, str], _Found] = {}
    notes = []
    for known, accuracy in sorted(_evaluated(catalogue, evaluations), key=_fewest_last):
        key = id(known), accuracy.ran_on
        if key in kept:
            notes.append(
                f"{accuracy.kept_in}: {known.paths[0].name} on {accuracy.source} is not shown, as "
                f"{kept[key][1].kept_in} has an evaluation on as many samples or more."
            )
        else:
            kept[key] = known, accuracy
    by_file: dict[int, tuple[Accuracy, ...]] = {}
    for known, accuracy in kept.values():
        by_file[id(known)] = (*by_file.get(id(known), ()), accuracy)
    return by_file, notes


def _fewest_last(found: _Found) -> int:
    return -found[1].samples


def _evaluated(catalogue: Catalogue, evaluations: Mapping[Path, StoredEvaluation]) -> list[_Found]:
    """Those with a hash first: names are looked up among them."""
    records = [
        (stored.sha256.get(str(record.file)), record, _accuracy(record, stored, path))
        for path, stored in evaluations.items()
        for record in stored.report.records
    ]
    hashed = [
        (catalogue.add_hashed(record.file, sha256), accuracy)
        for sha256, record, accuracy in records
        if sha256 is not None
    ]
    named = [
        (catalogue.add_by_name(record.file), accuracy)
        for sha256, record, accuracy in records
        if sha256 is None
    ]
    return [*hashed, *named]


def _accuracy(record: EvaluationRecord, stored: StoredEvaluation, path: Path) -> Accuracy:
    device = record.accelerator
    return Accuracy(
        ran_on="cpu" if device is None else f"{device.delegate}: {device.device}",
        source=stored.report.source,
        samples=record.samples,
        top1=record.top1,
        top5=record.top5,
        agreement=record.agreement,
        kept_in=path,
    )
