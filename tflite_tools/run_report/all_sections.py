"""Which tables a report has, in their order."""

from typing import TYPE_CHECKING

from tflite_tools.run_report.delegate_sections import comparison_section, coverage_section
from tflite_tools.run_report.sections import (
    Section,
    file_section,
    latency_section,
    place_section,
    problem_section,
)

if TYPE_CHECKING:
    from tflite_tools.run_report.report import RunReport

_SECTIONS = (
    latency_section,
    file_section,
    comparison_section,
    coverage_section,
    problem_section,
    place_section,
)


def sections(report: "RunReport") -> tuple[Section, ...]:
    """The tables that have a row."""
    made = (section(report) for section in _SECTIONS)
    return tuple(section for section in made if section.rows)
