"""`report_runs`: what is in a folder of runs, as one report."""

import os
from collections.abc import Sequence
from dataclasses import replace

from tflite_tools.delegates import find_target
from tflite_tools.output_folder import output_folder
from tflite_tools.paths import checked_path
from tflite_tools.run_report.finding import find_runs
from tflite_tools.run_report.joining import join
from tflite_tools.run_report.reading import read_sources
from tflite_tools.run_report.report import RunReport
from tflite_tools.run_report.writing import (
    FORMATS,
    check_formats,
    without_missing,
    write_report,
)


def report_runs(
    run_dir: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    formats: Sequence[str] = FORMATS,
    target: str | None = None,
) -> RunReport:
    """Joins all runs and evaluations in a folder by file, without any phone.

    Args:
        run_dir: A folder that `benchmark_android` wrote its runs to, and `tflite-tools evaluate
            -o` its accuracies, or one in which such folders are.
        output: The folder to write the report to; made if missing. None to write nothing.
        formats: What to write of "table" (as text), "markdown", "json", "csv", "html" and "png".
        target: The phone whose delegates' rules are compared with the logs, as for
            `inspect_model`; None for each phone's own.

    Returns:
        A `RunReport`; print it. What could not be read is in its `damaged`, and what could not be
        written, because Matplotlib is missing, in its `left_out`.

    Raises:
        ToolError: There are no runs in the folder, none can be read, or the arguments are wrong.
    """
    chosen = check_formats(formats)
    if target is not None:
        find_target(target)
    folder = checked_path(run_dir, what="run folder")
    report = join(folder, read_sources(find_runs(folder)), target)
    if output is None:
        return report
    possible, left_out = without_missing(chosen)
    report = replace(report, left_out=left_out)
    with output_folder(output) as into:
        write_report(report, into, possible)
    return report
