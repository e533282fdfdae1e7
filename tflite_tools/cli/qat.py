"""`tflite-tools qat`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tflite_tools.cli.app import app
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
from tflite_tools.cli.progress import ProgressBars, progress_bars

if TYPE_CHECKING:
    from tflite_tools.quantization_aware import QatEpoch


@app.command()
def qat(
    model: ModelFile,
    dataset: Annotated[
        str,
        typer.Option(
            help="What to train on: a folder of images, with a sub-folder for each class or "
            "without, an .npy or .npz file, or the name of a prepared TFDS data set.",
            metavar="SOURCE",
        ),
    ],
    output: OutputFolder,
    split: Annotated[
        str | None, typer.Option(help="The split of the data set, if it has several.")
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            help="What to choose the best epoch by, as for --dataset.",
            metavar="SOURCE",
            show_default="a tenth of the data set",
        ),
    ] = None,
    validation_split: Annotated[
        str | None, typer.Option(help="The split of --validation, or of the data set itself.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="Train on so many at most.", show_default="all")
    ] = None,
    epochs: Annotated[int, typer.Option(help="How often to go over the samples.")] = 20,
    learning_rate: Annotated[
        float, typer.Option(help="Adam's at the beginning; it falls to zero.")
    ] = 1e-4,
    batch_size: Annotated[int, typer.Option(help="Samples in a training step.")] = 32,
    seed: Annotated[int, typer.Option(help="For the order of the samples.")] = 0,
    calibration: Annotated[
        str | None,
        typer.Option(
            help="What to take the ranges of activations from, as for --dataset.",
            metavar="SOURCE",
            show_default="the data set",
        ),
    ] = None,
    calibration_samples: CalibrationSamples = 256,
    model_card: ModelCard = None,
    preprocessing: TrainedPreprocessing = None,
    int8_io: Annotated[
        str, typer.Option(help="Type of the file's input and output: int8, uint8 or float32.")
    ] = "int8",
    keep_dead_channels: KeepDeadChannels = False,
    name: Annotated[
        str | None, typer.Option(help="What the file name begins with.", show_default="MODEL")
    ] = None,
    skip_unreadable: SkipUnreadable = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a fused Keras model for int8 and write the .tflite file."""
    from tflite_tools.quantization_aware import qat as run

    with progress_bars(quiet=quiet or verbose) as bars:

        def tell(epoch: "QatEpoch") -> None:
            if not quiet:
                _tell(epoch, model, epochs, bars)

        report = run(
            model,
            output,
            dataset,
            split=split,
            validation=validation,
            validation_split=validation_split,
            limit=samples,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            seed=seed,
            calibration=calibration,
            calibration_samples=calibration_samples,
            model_card=model_card,
            preprocessing=preprocessing,
            drop_dead_channels=not keep_dead_channels,
            int8_io=int8_io,
            name=name,
            skip_unreadable=skip_unreadable,
            data_dir=data_dir,
            verbose=verbose,
            on_epoch=tell,
        )
    show(report, "the file is written", as_json=json, quiet=quiet)
    if quiet:  # the tables say it too
        complain(report.calibration.warnings)


def _tell(epoch: "QatEpoch", model: Path, epochs: int, bars: ProgressBars | None) -> None:
    """On standard error: what is printed on standard output may be read by a program."""
    from tflite_tools.quantization_aware.records import epoch_line

    if bars is None:
        print(epoch_line(epoch), file=sys.stderr, flush=True)
    else:
        bars.note(epoch_line(epoch))
        bars(model, epoch.epoch, epochs)
