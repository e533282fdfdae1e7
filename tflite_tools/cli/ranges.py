"""`tflite-tools ranges`."""

from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.options import DataDir, FilePreprocessing, Json, Quiet, SkipUnreadable
from tflite_tools.cli.output import show
from tflite_tools.cli.progress import progress_bars


@app.command()
def ranges(
    float32: Annotated[Path, typer.Argument(help="The float32 file.", metavar="FLOAT32.tflite")],
    int8: Annotated[
        Path, typer.Argument(help="The int8 file of the same model.", metavar="INT8.tflite")
    ],
    inputs: Annotated[
        str,
        typer.Option(
            help="Samples to run both on: a folder of images, an .npy or .npz file, a TFDS name."
        ),
    ],
    limit: Annotated[int, typer.Option(help="At most so many of them, evenly spread.")] = 64,
    split: Annotated[str | None, typer.Option(help="The split of a data set.")] = None,
    preprocessing: FilePreprocessing = None,
    skip_unreadable: SkipUnreadable = False,
    data_dir: DataDir = None,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw it, into this .png, .svg or .pdf.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell why int8 loses accuracy, and in which layers."""
    from tflite_tools.ranges import range_report
    from tflite_tools.ranges.plot import check_plot

    if plot is not None:
        check_plot(plot)
    with progress_bars(quiet=quiet) as progress:
        report = range_report(
            float32,
            int8,
            inputs,
            limit=limit,
            split=split,
            preprocessing=preprocessing,
            skip_unreadable=skip_unreadable,
            data_dir=data_dir,
            progress=progress,
        )
    if plot is not None:
        report.plot(plot)
    show(report, "the comparison is done", as_json=json, quiet=quiet)
