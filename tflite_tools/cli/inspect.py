"""`tflite-tools inspect`."""

from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.output import printed


@app.command()
def inspect(
    files: Annotated[list[Path], typer.Argument(help="The .tflite files.", metavar="FILE...")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Show what .tflite files hold: tensors, operators, metadata, provenance."""
    from tflite_tools.inspection import inspect_model
    from tflite_tools.inspection_report import InspectionReport
    from tflite_tools.tables import print_report

    report = InspectionReport(tuple(map(inspect_model, files)))
    with printed("the files were read"):
        print_report(report, as_json=json)
