"""`tflite-tools run-gpu`."""

from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.options import FilePreprocessing, Files, Json
from tflite_tools.cli.output import printed


@app.command()
def run_gpu(
    files: Files,
    inputs: Annotated[
        str | None,
        typer.Option(
            help="Samples to compare on: a folder of images, an .npy or .npz file, a TFDS name.",
            show_default="random",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many of them, evenly spread.")] = 16,
    preprocessing: FilePreprocessing = None,
    runs: Annotated[int, typer.Option(help="How many runs to time.")] = 20,
    json: Json = False,
) -> None:
    """Run .tflite files on the GPU alone and compare them with the processor."""
    from tflite_tools.gpu import GpuReport, run_on_gpu
    from tflite_tools.tables import print_report

    records = (
        run_on_gpu(file, inputs, limit=limit, preprocessing=preprocessing, runs=runs)
        for file in files
    )
    report = GpuReport(tuple(records))
    with printed("the files were run"):
        print_report(report, as_json=json)
