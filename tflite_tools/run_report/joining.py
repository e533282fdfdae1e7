"""Records from a folder, joined by file."""

from collections.abc import Iterable
from pathlib import Path

from tflite_tools.android.records import AndroidRun, PlannedRun
from tflite_tools.evaluation_file import StoredEvaluation
from tflite_tools.records import EvaluationRecord
from tflite_tools.run_report.coverage import GENERIC, inspected, target_of
from tflite_tools.run_report.files import Catalogue, KnownFile
from tflite_tools.run_report.naming import distinct
from tflite_tools.run_report.phone_rows import PhoneRows, phone_place
from tflite_tools.run_report.reading import Sources
from tflite_tools.run_report.records import Accuracy, Place
from tflite_tools.run_report.report import RunReport


def join(folder: Path, sources: Sources, target: str | None) -> RunReport:
    """Joins the records by file.

    Args:
        folder: Where they were found.
        sources: The records.
        target: The phone whose delegates are reported on; None for each phone's own.
    """
    catalogue = Catalogue()
    by_hash = _add_phones(catalogue, sources)
    accuracies, notes = _accuracies(catalogue, sources)
    catalogue.name_files()
    places = _phone_places(sources, target)
    targets = list(dict.fromkeys(place.target for place in places if place.target))
    inspections = {
        id(known): inspected(known, targets or [target or GENERIC], accuracies.get(id(known)))
        for known in catalogue.files
    }
    coverage = tuple(c for _, found in inspections.values() for c in found)
    entries = {sha256: inspections[id(known)][0] for sha256, known in by_hash.items()}
    phones = [
        PhoneRows(phone, place, entries)
        for phone, place in zip(sources.phones, places, strict=True)
    ]
    return RunReport(
        folder=folder,
        files=tuple(entry for entry, _ in inspections.values()),
        places=tuple(places),
        measurements=tuple(row for phone in phones for row in phone.measurements()),
        coverage=coverage,
        comparisons=tuple(row for phone in phones for row in phone.comparisons(coverage)),
        problems=tuple(row for phone in phones for row in phone.problems()),
        damaged=sources.damaged,
        notes=(
            *notes,
            *catalogue.ambiguous,
            *(line for phone in sources.phones for line in phone.unchecked),
        ),
    )


def _add_phones(catalogue: Catalogue, sources: Sources) -> dict[str, KnownFile]:
    asked: list[AndroidRun | PlannedRun] = []
    for phone in sources.phones:
        asked += [*phone.runs, *phone.unfinished]
    return {run.sha256: catalogue.add_hashed(run.file, run.sha256) for run in asked}


def _accuracies(catalogue: Catalogue, sources: Sources) -> tuple[dict[int, Accuracy], list[str]]:
    """The evaluation of the most samples of each file, and which others there are."""
    found: dict[int, list[Accuracy]] = {}
    for known, accuracy in _evaluated(catalogue, sources.evaluations):
        found.setdefault(id(known), []).append(accuracy)
    notes = [
        f"{accuracy.kept_in}: another evaluation of {known.paths[0].name} on {accuracy.source} is "
        "not shown, as one on as many samples or more is."
        for known in catalogue.files
        for accuracy in _best_first(found.get(id(known), []))[1:]
    ]
    return {key: _best_first(all_of_it)[0] for key, all_of_it in found.items()}, notes


def _best_first(accuracies: list[Accuracy]) -> list[Accuracy]:
    return sorted(accuracies, key=lambda accuracy: -accuracy.samples)


def _evaluated(
    catalogue: Catalogue, evaluations: dict[Path, StoredEvaluation]
) -> Iterable[tuple[KnownFile, Accuracy]]:
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
    return Accuracy(
        source=stored.report.source,
        samples=record.samples,
        top1=record.top1,
        top5=record.top5,
        agreement=record.agreement,
        kept_in=path,
    )


def _phone_places(sources: Sources, target: str | None) -> list[Place]:
    devices = [phone.device for phone in sources.phones]
    names = distinct(
        [[device.model, f"{device.model} ({device.serial})", device.serial] for device in devices]
    )
    return [
        phone_place(device, name, target or target_of(device.soc))
        for device, name in zip(devices, names, strict=True)
    ]
