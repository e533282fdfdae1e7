"""Reads what was found in a folder; what is damaged is named and the rest is kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tflite_tools.android.stored_runs import PhoneRuns, load_phone
from tflite_tools.errors import ToolError
from tflite_tools.evaluation_file import StoredEvaluation, load_evaluation
from tflite_tools.host import HostReport, load_host_report
from tflite_tools.run_report.finding import Found

Content = TypeVar("Content")


@dataclass(frozen=True)
class Sources:
    """The records that a report is made of.

    Attributes:
        hosts: The benchmarks of computers, by their files.
        phones: What each phone's folder holds.
        evaluations: The evaluations, by their files.
        damaged: What could not be read, a line each.
    """

    hosts: dict[Path, HostReport]
    phones: tuple[PhoneRuns, ...]
    evaluations: dict[Path, StoredEvaluation]
    damaged: tuple[str, ...]


def read_sources(found: Found) -> Sources:
    """Reads the records.

    Raises:
        ToolError: None of them can be read; the message names each.
    """
    damaged = [
        f"{folder}: holds runs, but not {folder / 'phone.json'}, as an older version wrote it. "
        "Repeat the benchmark with another output folder."
        for folder in found.outdated
    ]
    hosts = _readable(load_host_report, found.hosts, damaged)
    phones = _readable(load_phone, found.phones, damaged)
    evaluations = _readable(load_evaluation, found.evaluations, damaged)
    damaged += [line for phone in phones.values() for line in phone.damaged]
    if not (hosts or phones or evaluations):
        raise ToolError(" ".join(damaged))
    return Sources(hosts, tuple(phones.values()), evaluations, tuple(damaged))


def _readable(
    load: Callable[[Path], Content], paths: Iterable[Path], damaged: list[str]
) -> dict[Path, Content]:
    contents = {}
    for path in paths:
        try:
            contents[path] = load(path)
        except ToolError as error:
            damaged.append(str(error))
    return contents
