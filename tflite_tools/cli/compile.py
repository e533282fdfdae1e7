"""`tflite-tools compile`."""

from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.options import Files, Json, Quiet
from tflite_tools.cli.output import complain, show
from tflite_tools.cli.progress import progress_bars

_UNUSABLE = 2


@app.command()
def compile(
    files: Files,
    soc: Annotated[str, typer.Option(help="The chip, such as SM8350 (Snapdragon 888) or later.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="The folder to write to; made if missing.",
            metavar="FOLDER",
            show_default="that of the file",
        ),
    ] = None,
    sdk_libs: Annotated[
        Path | None,
        typer.Option(
            help="The folder with Qualcomm's libraries for x86-64 Linux.",
            metavar="FOLDER",
            show_default="the package ai_edge_litert_sdk_qualcomm",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compile .tflite files for a Snapdragon's neural processor, ahead of time."""
    from tflite_tools.npu import compile_files

    with progress_bars(quiet=quiet) as progress:
        report = compile_files(files, soc, output=output, sdk_libs=sdk_libs, progress=progress)
    if report.records or json:
        show(report, "the files are compiled", as_json=json, quiet=quiet)
    complain(failure.reason for failure in report.failures)
    if report.failures:
        raise typer.Exit(_UNUSABLE)
