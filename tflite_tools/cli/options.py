"""Options that several commands have, each said once."""

from pathlib import Path
from typing import Annotated

import typer

ModelFile = Annotated[Path, typer.Argument(help="The .keras file.", metavar="MODEL.keras")]
Files = Annotated[list[Path], typer.Argument(help="The .tflite files.", metavar="FILE...")]
OutputFolder = Annotated[
    str,  # a Path would make the current folder of ""
    typer.Option(
        "--output", "-o", help="The folder to write to; made if missing.", metavar="FOLDER"
    ),
]
_IMAGES = "Of images: torch (as keras_finet), tf (-1..1), unit (0..1) or none (0..255)."
TrainedPreprocessing = Annotated[str | None, typer.Option(help=_IMAGES, show_default="torch")]
FilePreprocessing = Annotated[
    str | None, typer.Option(help=_IMAGES, show_default="what the files say, else torch")
]
CalibrationSamples = Annotated[int, typer.Option(help="At most so many of them, evenly spread.")]
ModelCard = Annotated[
    Path | None,
    typer.Option(
        help='A JSON file with "input_range": [low, high], the values in training.',
        show_default="MODEL.card.json",
    ),
]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read.")
]
DataDir = Annotated[
    str | None,
    typer.Option(help="Where TFDS data sets are.", show_default="~/tensorflow_datasets"),
]
KeepDeadChannels = Annotated[
    bool, typer.Option("--keep-dead-channels", help="In int8 too, whose accuracy they can ruin.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show what TensorFlow and LiteRT print.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print no tables and no progress, only problems.")
]
