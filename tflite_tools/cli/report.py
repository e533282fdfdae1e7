"""`tflite-tools report`."""

from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.multi_value import MultiValueCommand
from tflite_tools.cli.options import Json, Quiet
from tflite_tools.cli.output import complain, printed, show

_RUNS_FAILED = 1
_DAMAGED = 2


@app.command(cls=MultiValueCommand)
def report(
    run_dir: Annotated[
        Path,
        typer.Argument(
            help="The folder that benchmark and evaluate wrote to with -o.", metavar="RUN_DIR"
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="The folder to write the report to; made if missing.",
            metavar="FOLDER",
            show_default="RUN_DIR/report",
        ),
    ] = None,
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            help="One or more of table, markdown, json, csv, html, png.",
            metavar="FORMAT...",
            show_default="all",
        ),
    ] = [],  # noqa: B006  (Typer copies it)
    target: Annotated[
        str | None,
        typer.Option(
            help="The phone whose delegates to report on, as for inspect.",
            show_default="each phone's own",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Join runs, accuracies and delegates' rules into tables, plots and a page."""
    from tflite_tools.run_report import FORMATS, report_runs

    folder = str(run_dir / "report") if output is None else output
    made = report_runs(run_dir, folder, formats=formats or FORMATS, target=target)
    show(made, "the report is written", as_json=json, quiet=quiet)
    if not (json or quiet):
        with printed("the report is written"):
            print(f"The report is in {folder}")
    complain((*made.damaged, *made.left_out))
    if made.damaged:
        raise typer.Exit(_DAMAGED)
    if not made.passed:
        failed = sum(problem.failed for problem in made.problems)
        runs = "1 run failed or is" if failed == 1 else f"{failed} runs failed or are"
        complain([f"{runs} unfinished."])
        raise typer.Exit(_RUNS_FAILED)
