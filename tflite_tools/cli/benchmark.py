"""`tflite-tools benchmark`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.multi_value import MultiValueCommand
from tflite_tools.cli.options import Files, Json
from tflite_tools.cli.output import printed
from tflite_tools.cli.progress import progress_bars
from tflite_tools.errors import ToolError

_RUN_FAILED = 1


@app.command(cls=MultiValueCommand)
def benchmark(
    files: Files,
    android: Annotated[
        bool, typer.Option("--android", help="Measure on the phones that adb lists.")
    ] = False,
    binary: Annotated[
        list[Path],
        typer.Option(
            help="Android builds of benchmark_model, TFLite's or LiteRT's.", metavar="PATH..."
        ),
    ] = [],  # noqa: B006  (Typer copies it)
    delegates: Annotated[
        list[str],
        typer.Option(
            help="One or more of cpu, gpu, nnapi, nnapi:ACCELERATOR, hexagon, qnn.",
            metavar="DELEGATE...",
        ),
    ] = ["cpu"],  # noqa: B006
    serial: Annotated[
        list[str],
        typer.Option(help="The phones to use.", metavar="SERIAL...", show_default="all"),
    ] = [],  # noqa: B006
    library: Annotated[
        list[Path],
        typer.Option(
            help="The vendor's libraries that hexagon or qnn need, pushed beside the binary.",
            metavar="PATH...",
        ),
    ] = [],  # noqa: B006
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="The folder for logs and results; a run that is there is not repeated.",
            metavar="FOLDER",
        ),
    ] = "android-benchmark",
    threads: Annotated[int, typer.Option(help="How many threads the CPU may use.")] = 4,
    runs: Annotated[int, typer.Option(help="How many runs each start of the binary times.")] = 50,
    repeats: Annotated[int, typer.Option(help="How often each combination is started.")] = 3,
    cool_down: Annotated[
        float, typer.Option(help="Seconds between two starts; more while a phone is warm.")
    ] = 10.0,
    timeout: Annotated[float, typer.Option(help="Seconds after which a start is stopped.")] = 300.0,
    op_profile: Annotated[
        bool, typer.Option("--op-profile", help="Time the operators one by one; slows runs down.")
    ] = False,
    json: Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print no tables and no progress, only problems.")
    ] = False,
) -> None:
    """Measure .tflite files on connected Android phones, delegate by delegate."""
    from tflite_tools.android import benchmark_android
    from tflite_tools.tables import print_report

    if not android:
        raise ToolError("benchmark: expected where to measure: add --android.")
    with progress_bars(quiet=quiet) as progress:
        report = benchmark_android(
            files,
            output,
            binaries=binary,
            serials=serial or None,
            delegates=delegates,
            libraries=library,
            threads=threads,
            runs=runs,
            repeats=repeats,
            cool_down=cool_down,
            timeout=timeout,
            op_profile=op_profile,
            progress=progress,
        )
    if json or not quiet:
        with printed("the files were measured"):
            print_report(report, as_json=json)
    for line in report.complaints():
        print(f"tflite-tools: {line}", file=sys.stderr)
    if not report.passed:
        raise typer.Exit(_RUN_FAILED)
