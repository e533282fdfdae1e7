"""`tflite-tools inspect`."""

from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.options import Files, Json, Quiet
from tflite_tools.cli.output import show


@app.command()
def inspect(
    files: Files,
    target: Annotated[
        str,
        typer.Option(
            help="The phone to report on: snapdragon-855, kirin-980, snapdragon-710 or "
            "generic-android."
        ),
    ] = "generic-android",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what .tflite files hold, and what a phone's accelerators will take of them."""
    from tflite_tools.inspection import inspect_model
    from tflite_tools.inspection_report import InspectionReport

    report = InspectionReport(tuple(inspect_model(file, target=target) for file in files))
    show(report, "the files were read", as_json=json, quiet=quiet)
