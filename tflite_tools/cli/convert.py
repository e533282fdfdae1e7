"""`tflite-tools convert`."""

from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.multi_value import MultiValueCommand
from tflite_tools.cli.output import printed


@app.command(cls=MultiValueCommand)
def convert(
    model: Annotated[Path, typer.Argument(help="The .keras file.", metavar="MODEL.keras")],
    output: Annotated[
        str,  # a Path would make the current folder of ""
        typer.Option(
            "--output", "-o", help="The folder to write to; made if missing.", metavar="FOLDER"
        ),
    ],
    precision: Annotated[
        list[str],
        typer.Option(metavar="PRECISION...", help="One or more of float32, float16, int8."),
    ] = ["float32"],  # noqa: B006  (Typer copies it)
    calibration: Annotated[
        Path | None,
        typer.Option(help="For int8: an .npy or .npz file, or a folder of images."),
    ] = None,
    calibration_samples: Annotated[
        int, typer.Option(help="At most so many of them, evenly spread.")
    ] = 256,
    preprocessing: Annotated[
        str,
        typer.Option(help="For images: torch (as keras_finet), tf (-1..1), unit (0..1) or none."),
    ] = "torch",
    inputs: Annotated[
        Path | None,
        typer.Option(help="Samples to compare with the Keras model on, as for --calibration."),
    ] = None,
    int8_io: Annotated[
        str, typer.Option(help="Type of the int8 file's input and output: int8 or float32.")
    ] = "int8",
    batch_size: Annotated[int, typer.Option(help="The batch size the files are fixed to.")] = 1,
    name: Annotated[
        str | None, typer.Option(help="What the file names begin with.", show_default="MODEL")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
) -> None:
    """Fuse a Keras model and write it as checked .tflite files."""
    from tflite_tools.convert import convert as run
    from tflite_tools.tables import print_report

    report = run(
        model,
        output,
        precisions=precision,
        calibration=calibration,
        calibration_samples=calibration_samples,
        preprocessing=preprocessing,
        inputs=inputs,
        int8_io=int8_io,
        batch_size=batch_size,
        name=name,
    )
    with printed("the files are written"):
        print_report(report, as_json=json)
