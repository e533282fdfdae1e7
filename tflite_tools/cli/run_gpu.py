"""`tflite-tools run-gpu`."""

from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.options import FilePreprocessing, Files, Json, Quiet
from tflite_tools.cli.output import complain, show
from tflite_tools.cli.progress import progress_bars

_CHECK_FAILED, _UNUSABLE = 1, 2


@app.command()
def run_gpu(
    files: Files,
    inputs: Annotated[
        str | None,
        typer.Option(
            help="Samples to compare on: a folder of images, an .npy or .npz file, a TFDS name.",
            show_default="8 random ones",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many of --inputs, evenly spread.")] = 16,
    preprocessing: FilePreprocessing = None,
    runs: Annotated[int, typer.Option(help="How many runs to time.")] = 20,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Exit with code 1 if an output differs by more than this share of the largest "
            "one, and by more than three int8 steps."
        ),
    ] = 0.01,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run .tflite files on the GPU alone and compare them with the processor."""
    from tflite_tools.gpu import run_files_on_gpu

    with progress_bars(quiet=quiet) as progress:
        report = run_files_on_gpu(
            files,
            inputs,
            limit=limit,
            preprocessing=preprocessing,
            runs=runs,
            tolerance=tolerance,
            progress=progress,
        )
    if report.records or json:
        show(report, "the files were run", as_json=json, quiet=quiet)
    complain(report.complaints())
    if not report.passed:
        raise typer.Exit(_UNUSABLE if report.failures else _CHECK_FAILED)
