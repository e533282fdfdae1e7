"""`tflite-tools convert`."""

from pathlib import Path
from typing import Annotated

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.multi_value import MultiValueCommand, as_mapping
from tflite_tools.cli.options import (
    CalibrationSamples,
    DataDir,
    Json,
    KeepDeadChannels,
    ModelCard,
    ModelFile,
    OutputFolder,
    Quiet,
    SkipUnreadable,
    TrainedPreprocessing,
    Verbose,
)
from tflite_tools.cli.output import complain, show
from tflite_tools.cli.progress import progress_bars


@app.command(cls=MultiValueCommand)
def convert(
    model: ModelFile,
    output: OutputFolder,
    precision: Annotated[
        list[str],
        typer.Option(
            metavar="PRECISION...", help="One or more of float32, float16, dynamic_int8, int8."
        ),
    ] = ["float32"],  # noqa: B006  (Typer copies it)
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="For int8: an .npy or .npz file, a folder of images, or a prepared TFDS data set.",
        ),
    ] = None,
    calibration_split: Annotated[
        str, typer.Option(help="Which split of a TFDS data set.")
    ] = "train",
    calibration_samples: CalibrationSamples = 256,
    calibration_percentile: Annotated[
        float | None,
        typer.Option(
            help="Cut the activations' ranges to this percentile, such as 99.99; not for uint8.",
            show_default="minimum and maximum",
        ),
    ] = None,
    preprocessing: TrainedPreprocessing = None,
    include_preprocessing: Annotated[
        bool,
        typer.Option(
            "--include-preprocessing", help="Make it part of the files: they take uint8 images."
        ),
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(help="A text file with the name of a class on each line."),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=TEXT...",
            help="What the files say of themselves: name, description, version, author, license.",
        ),
    ] = None,
    skip_unreadable: SkipUnreadable = False,
    data_dir: DataDir = None,
    model_card: ModelCard = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Samples to compare with the Keras model on, as for --calibration.",
        ),
    ] = None,
    int8_io: Annotated[
        str | None,
        typer.Option(
            help="Type of the int8 file's input and output: int8, uint8 or float32.",
            show_default="int8; uint8 with --include-preprocessing",
        ),
    ] = None,
    keep_dead_channels: KeepDeadChannels = False,
    target: Annotated[
        str,
        typer.Option(help="cpu, gpu or nnapi: refuse operators that it leaves to the processor."),
    ] = "cpu",
    batch_size: Annotated[int, typer.Option(help="The batch size the files are fixed to.")] = 1,
    name: Annotated[
        str | None, typer.Option(help="What the file names begin with.", show_default="MODEL")
    ] = None,
    verbose: Verbose = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fuse a Keras model and write it as checked .tflite files."""
    from tflite_tools.conversion import convert as run

    with progress_bars(quiet=quiet or verbose) as progress:
        report = run(
            model,
            output,
            precisions=precision,
            calibration=calibration,
            calibration_split=calibration_split,
            calibration_samples=calibration_samples,
            calibration_percentile=calibration_percentile,
            preprocessing=preprocessing,
            include_preprocessing=include_preprocessing,
            labels=labels,
            metadata=None if metadata is None else as_mapping(metadata, "--metadata"),
            skip_unreadable=skip_unreadable,
            data_dir=data_dir,
            model_card=model_card,
            inputs=inputs,
            int8_io=int8_io,
            drop_dead_channels=not keep_dead_channels,
            target=target,
            batch_size=batch_size,
            name=name,
            verbose=verbose,
            progress=progress,
        )
    show(report, "the files are written", as_json=json, quiet=quiet)
    if quiet and report.calibration is not None:  # the table says it too
        complain(report.calibration.warnings)
