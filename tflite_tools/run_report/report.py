"""What was found in a folder of runs, as tables and as JSON."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType

from tflite_tools.run_report.all_sections import sections
from tflite_tools.run_report.records import (
    Comparison,
    Coverage,
    FileEntry,
    Measurement,
    Place,
    Problem,
)
from tflite_tools.run_report.terminal import as_tables
from tflite_tools.tables import as_text, to_json


@dataclass(frozen=True)
class RunReport:
    """Everything that was found in a folder of runs, joined by file. `print` shows it as tables.

    Attributes:
        folder: The folder.
        files: The .tflite files.
        places: The phones and computers.
        measurements: The figures.
        coverage: What delegates take by the rules.
        comparisons: That, beside what the devices' logs say.
        problems: Failed, unfinished and fallen-back runs.
        damaged: What could not be read, a line each.
        notes: What else to know, a line each.
        left_out: What could not be written, a line each.
    """

    folder: Path
    files: tuple[FileEntry, ...]
    places: tuple[Place, ...]
    measurements: tuple[Measurement, ...]
    coverage: tuple[Coverage, ...]
    comparisons: tuple[Comparison, ...]
    problems: tuple[Problem, ...]
    damaged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every run that was asked for gave a result, and none a wrong one."""
        return not any(problem.failed for problem in self.problems)

    def __str__(self) -> str:
        return as_text(self.table())

    def table(self) -> RenderableType:
        """The sections that are not empty, a table each."""
        return as_tables(sections(self), self.notes)

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)
