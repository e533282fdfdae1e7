"""Models of keras.applications as .tflite files: how far each file is from its Keras model.

python examples/foreign_models.py                                # five models, about ten minutes
python examples/foreign_models.py --models MobileNetV2 --side 96

The weights are random, and so are the statistics and factors of the normalizations. Such networks
are far more sensitive to rounding than trained ones: what a file does to the classes is to be
compared with what TensorFlow's own converter makes of the same model, without fusing it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path

from command_line import InputError, make_folder, whole_number

from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODELS = ("MobileNetV2", "MobileNetV3Large", "EfficientNetV2B0", "ResNet50", "DenseNet121")
COLUMNS = ("agreement", "error", "MiB", "ops", "folded")


def main() -> int:
    """Prints the table and returns the exit code."""
    options = parse_options()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) if options.out is None else options.out
            make_folder(folder, [])
            # Only now: --help and mistakes need not wait for TensorFlow.
            with silenced():
                from foreign_files import rows
            table = []
            for name in options.models:
                print(f"{name} ...", file=sys.stderr)
                table += rows(
                    name, options.side, options.samples, folder, baseline=not options.smoke
                )
    except (InputError, ToolError) as error:
        print(f"foreign_models: {error}", file=sys.stderr)
        return 2
    print(as_json(table) if options.json else as_text(table))
    return 0


def as_json(table: list) -> str:
    return json.dumps([dataclasses.asdict(row) for row in table], indent=2)


def as_text(table: list) -> str:
    """The table in Markdown."""
    lines = [f"| model | file | {' | '.join(COLUMNS)} |", "|---|---|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {row.model} | {row.precision} | {row.agreement:.1%} | {row.relative_error:.1e} "
        f"| {row.mebibytes:.1f} | {row.ops} | {row.folded} |"
        for row in table
    ]
    notes = [
        "",
        "agreement: images on which the file chooses the Keras model's class, of ten classes",
        "error: of the outputs, relative to how far they deviate from their mean over the images",
        "folded: normalizations that the fusion folds into convolutions",
    ]
    return "\n".join(lines + notes)


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        description="Converts models of keras.applications with random weights and statistics to "
        "float32, float16, dynamic_int8 and int8, and compares the files with the Keras models."
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="NAME")
    parser.add_argument(
        "--side", type=whole_number(32, 600), default=96, help="of the images (default: 96)"
    )
    parser.add_argument(
        "--samples", type=whole_number(1, 100_000), default=256, help="images (default: 256)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="keep the files here (default: they go)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--smoke", action="store_true", help="one small model, a few images")
    options = parser.parse_args()
    if options.smoke:
        options.models, options.side, options.samples = ["MobileNetV3Large"], 32, 32
    return options


if __name__ == "__main__":
    sys.exit(main())
