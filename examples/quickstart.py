"""The main job, end to end: train a Finet with FBN, fuse it, ship it as TFLite, prove it is right.

python examples/quickstart.py                     # scikit-learn's digits, about three minutes
python examples/quickstart.py --smoke             # the same steps in under 30 seconds
python examples/quickstart.py --data my_images/   # one sub-folder of images for each class
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

from command_line import INTERRUPTED, InputError, make_folder, whole_number
from image_data import load_digits, load_folder

from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced

os.environ["KERAS_BACKEND"] = "tensorflow"  # the one that can convert
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

IMAGE_SIZE = 32
STEM_CHANNELS = 24  # the first FBN layer cannot have more groups
PRECISIONS = ("float32", "float16", "int8")
SMOKE_IMAGES = 64
ARTEFACTS = (
    "model.keras",
    "fused.keras",
    "as_trained.tflite",
    *(f"finet_{precision}.tflite" for precision in PRECISIONS),
    "results.json",
    "results.png",
)


def main() -> int:
    """Runs the job and returns the exit code: 130 after Ctrl-C."""
    options = parse_options()
    try:
        return run(options)
    except (InputError, ToolError) as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("quickstart: interrupted; what is finished is in --out.", file=sys.stderr)
        return INTERRUPTED


def run(options: argparse.Namespace) -> int:
    """Trains, fuses, converts, evaluates and reports; returns the exit code."""
    started = time.perf_counter()
    try:
        data = load_folder(options.data, IMAGE_SIZE) if options.data else load_digits(IMAGE_SIZE)
    except OSError as error:  # such as a folder that must not be read
        raise InputError(str(error)) from error
    make_folder(options.out, ARTEFACTS)
    if options.smoke:
        data = data.with_fewer_images(SMOKE_IMAGES)

    # Only now: --help and mistakes need not wait for TensorFlow, which is noisy besides.
    with silenced():
        import keras
        from measuring import export_as_trained, keras_rows, predict, tflite_rows
        from recipe.model_file import save_model
        from reporting import print_table, write_json, write_picture
        from training import train

        import keras_finet
        import tflite_tools

    announce(1, f"Train a FinetSmall with groups={options.groups} on {data}")
    keras.utils.set_random_seed(options.seed)
    model = keras_finet.FinetSmall(
        weights=None,
        classes=len(data.class_names),
        input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
        stem="cifar",
        groups=options.groups,
        squeeze_excite=False,
    )
    train_images = keras_finet.preprocess_input(data.train_images.astype("float32"))
    images = keras_finet.preprocess_input(data.test_images.astype("float32"))
    labels = data.test_labels
    history = train(
        model,
        (train_images, data.train_labels),
        (images, labels),
        epochs=options.epochs,
        seed=options.seed,
        eagerly=options.smoke,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    model.compile(jit_compile=False)  # drops the optimizer, whose state need not be saved
    save_model(model, options.out / "model.keras")

    announce(2, "Fuse it into plain convolutions and verify that it computes the same")
    fused = keras_finet.fuse(model)
    fused.compile(jit_compile=False)
    save_model(fused, options.out / "fused.keras")
    fusion = keras_finet.verify_fusion(model, fused, images)
    print(fusion)
    if not fusion.passed:
        return 1

    announce(3, "Convert it to TFLite: as trained, for comparison; fused, in three precisions")
    as_trained = export_as_trained(model, options.out / "as_trained.tflite")
    try:
        conversion = tflite_tools.convert(
            model,
            options.out,
            precisions=PRECISIONS,
            calibration=train_images,
            inputs=images,
            name="finet",
        )
    except ValueError as error:  # such as weights that int8 cannot hold
        print(f"quickstart: {error}", file=sys.stderr)
        return 1
    files = {"TFLite, as trained": as_trained}
    files |= {f"TFLite {record.precision}": record.file for record in conversion.records}
    print("\n".join(str(file) for file in files.values()))

    announce(4, f"Evaluate and time all of them on the {len(images)} test images")
    reference = predict(model, images)
    keras_files = {
        "Keras, as trained": (model, options.out / "model.keras"),
        "Keras, fused": (fused, options.out / "fused.keras"),
    }
    rows = [
        *keras_rows(keras_files, images, labels, reference),
        *tflite_rows(files, images, labels, reference),
    ]

    seconds = time.perf_counter() - started
    details = {
        "data": str(data),
        "options": vars(options),
        "seconds": round(seconds, 1),
        "fusion": dataclasses.asdict(fusion),
        "history": history,
    }
    write_json(options.out / "results.json", rows, details)
    write_picture(options.out / "results.png", rows, history)
    print_table(rows, len(images))
    print(f"{seconds:.0f} s in all. Models, results.json and results.png are in {options.out}/")
    return 0


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]",
        description="Train a FinetSmall with fine-grained batch normalization, fuse it into plain "
        "convolutions, convert it to TFLite, and evaluate every file on the test images.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="a folder with one sub-folder of images for each class; a fifth of each is kept for "
        "testing. Without it: the handwritten digits that scikit-learn ships",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("out/quickstart"),
        help="where the models and results go",
    )
    parser.add_argument("--epochs", type=whole_number(1, 10_000), default=20)
    parser.add_argument(
        "--groups",
        type=whole_number(1, STEM_CHANNELS),
        default=4,
        help="groups of input channels that are normalised apart; 1 is batch normalization",
    )
    parser.add_argument("--seed", type=whole_number(0, 2**32 - 1), default=0)
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="the same steps in under 30 seconds: one epoch on a few images",
    )
    options = parser.parse_args()
    if options.smoke:
        options.epochs = 1
    return options


def announce(number: int, what: str) -> None:
    print(f"\n{number}/4  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
