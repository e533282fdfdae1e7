"""Records from a folder, joined by file."""

from pathlib import Path

from tflite_tools.run_report.accuracies import add_accuracies
from tflite_tools.run_report.coverage import GENERIC, inspected
from tflite_tools.run_report.files import Catalogue, KnownFile
from tflite_tools.run_report.host_rows import HostRows
from tflite_tools.run_report.phone_rows import PhoneRows
from tflite_tools.run_report.places import find_places
from tflite_tools.run_report.reading import Sources
from tflite_tools.run_report.report import RunReport


def join(folder: Path, sources: Sources, target: str | None) -> RunReport:
    """Joins the records by file.

    Args:
        folder: Where they were found.
        sources: The records.
        target: The phone whose delegates are reported on; None for each phone's own.
    """
    catalogue = Catalogue((folder, folder.parent))
    by_hash = _add_measured(catalogue, sources)
    accuracies, notes = add_accuracies(catalogue, sources.evaluations)
    catalogue.name_files()
    places = find_places(sources, target)
    targets = places.targets or (target or GENERIC,)
    inspections = {
        id(known): inspected(known, targets, accuracies.get(id(known), ()))
        for known in catalogue.files
    }
    coverage = tuple(one for _, found in inspections.values() for one in found)
    entries = {sha256: inspections[id(known)][0] for sha256, known in by_hash.items()}
    hosts = [
        HostRows(host, place, entries)
        for host, place in zip(sources.hosts.values(), places.hosts, strict=True)
    ]
    phones = [
        PhoneRows(phone, place, entries)
        for phone, place in zip(sources.phones, places.phones, strict=True)
    ]
    both: list[HostRows | PhoneRows] = [*hosts, *phones]
    return RunReport(
        folder=folder,
        files=tuple(entry for entry, _ in inspections.values()),
        places=places.all,
        measurements=tuple(row for rows in both for row in rows.measurements()),
        coverage=coverage,
        comparisons=tuple(row for rows in both for row in rows.comparisons(coverage)),
        problems=tuple(row for phone in phones for row in phone.problems()),
        damaged=sources.damaged,
        notes=(
            *notes,
            *catalogue.ambiguous,
            *(
                f"{entry.name}: there are more MACs: what {', '.join(entry.not_counted)} runs is "
                "not counted."
                for entry, _ in inspections.values()
                if entry.not_counted
            ),
            *(line for host in hosts for line in host.notes()),
            *(line for phone in phones for line in phone.notes()),
        ),
    )


def _add_measured(catalogue: Catalogue, sources: Sources) -> dict[str, KnownFile]:
    """The files of all runs, by the hashes of their contents."""
    measured = [
        *((run.file, run.sha256) for host in sources.hosts.values() for run in host.records),
        *((run.file, run.sha256) for phone in sources.phones for run in phone.runs),
        *((run.file, run.sha256) for phone in sources.phones for run in phone.unfinished),
    ]
    return {sha256: catalogue.add_hashed(path, sha256) for path, sha256 in measured}
