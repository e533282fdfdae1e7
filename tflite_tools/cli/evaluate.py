"""`tflite-tools evaluate`."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.options import DataDir, FilePreprocessing, Json, Quiet, SkipUnreadable
from tflite_tools.cli.output import complain, show
from tflite_tools.cli.progress import progress_bars

_GATE_MISSED = 1


@app.command()
def evaluate(
    files: Annotated[
        list[Path], typer.Argument(help="The .tflite files of one model.", metavar="FILE...")
    ],
    dataset: Annotated[
        str,
        typer.Option(
            help="A folder with a sub-folder of images for each class, an .npy or .npz file, or "
            "the name of a prepared TFDS data set.",
            metavar="SOURCE",
        ),
    ],
    split: Annotated[
        str | None, typer.Option(help="The split of the data set, if it has several.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="The Keras model to compare with.", metavar="MODEL.keras"),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="At most so many samples, evenly spread.", show_default="all")
    ] = None,
    preprocessing: FilePreprocessing = None,
    threads: Annotated[
        int | None, typer.Option(help="How many threads share the samples.", show_default="cores")
    ] = None,
    delegate: Annotated[
        str,
        typer.Option(help="cpu, or gpu: LiteRT's GPU path alone, compared with the CPU too."),
    ] = "cpu",
    min_accuracy: Annotated[
        str | None,
        typer.Option(help="Exit with code 1 if a file's top-1 is below: 0.97 or 97%."),
    ] = None,
    min_agreement: Annotated[
        str | None,
        typer.Option(
            help="Exit with code 1 if a file agrees with --reference on less: 0.99 or 99%."
        ),
    ] = None,
    min_delegate_agreement: Annotated[
        str | None,
        typer.Option(
            help="Exit with code 1 if a file agrees on --delegate with the CPU on less: 99.9%."
        ),
    ] = None,
    skip_unreadable: SkipUnreadable = False,
    data_dir: DataDir = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Also write evaluation.json in this folder, for `tflite-tools report`.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare .tflite files with labels, with the Keras model, or both."""
    from tflite_tools.evaluation_file import save_evaluation
    from tflite_tools.file_evaluation import evaluate_files
    from tflite_tools.gates import parse_share
    from tflite_tools.output_folder import output_folder

    accuracy = parse_share(min_accuracy, "--min-accuracy")
    agreement = parse_share(min_agreement, "--min-agreement")
    same = parse_share(min_delegate_agreement, "--min-delegate-agreement")
    with (
        output_folder(output) if output is not None else nullcontext() as folder,
        progress_bars(quiet=quiet) as progress,
    ):
        report = evaluate_files(
            files,
            dataset,
            split=split,
            reference=reference,
            samples=samples,
            preprocessing=preprocessing,
            workers=threads,
            min_accuracy=accuracy,
            min_agreement=agreement,
            min_delegate_agreement=same,
            skip_unreadable=skip_unreadable,
            data_dir=data_dir,
            delegate=delegate,
            progress=progress,
        )
        if folder is not None:
            save_evaluation(report, folder)
    show(report, "the files were evaluated", as_json=json, quiet=quiet)
    missed = [gate for gate in report.gates if not gate.passed]
    complain(missed)
    if missed:
        raise typer.Exit(_GATE_MISSED)
