"""The arguments of the command line that both recipes share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from command_line import whole_number

from recipe.papers import RECIPES
from recipe.settings import MODELS, Recipe
from recipe.strategies import NONE, STRATEGIES

LARGEST = 10**9


def parser_of(description: str, recipe: Recipe, out: Path) -> argparse.ArgumentParser:
    """The parser, whose help tells the values of a recipe as defaults."""
    parser = argparse.ArgumentParser(usage="%(prog)s [options]", description=description)
    _add_data(parser, recipe)
    _add_model(parser, recipe)
    _add_training(parser, recipe)
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=out,
        help="where checkpoint, logs and model go; a run that was interrupted goes on from the "
        f"checkpoint there (default: {out})",
    )
    run.add_argument(
        "--checkpoint-steps",
        type=whole_number(1, LARGEST),
        default=1000,
        metavar="N",
        help="a checkpoint after so many steps, besides that at the end of each epoch "
        "(default: 1000)",
    )
    run.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default=NONE,
        help="mirrored: all devices of this machine; multiworker: those of all processes that "
        "TF_CONFIG names, or on jax KERAS_DISTRIBUTION_JOB_ADDRESSES (default: none, one device)",
    )
    run.add_argument(
        "--no-deploy",
        dest="deploy",
        action="store_false",
        help="stop after training: no fused and no .tflite files, no model card",
    )
    run.add_argument(
        "--smoke", action="store_true", help="one epoch on a few images that are made for it"
    )
    return parser


def _add_data(parser: argparse.ArgumentParser, recipe: Recipe) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--dataset",
        metavar="NAME",
        help="a prepared TFDS data set, a folder with train/CLASS/ and val/CLASS/, or digits, "
        "those of scikit-learn "
        f"(default: {recipe.dataset})",
    )
    data.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where TFDS data sets are (default: TFDS_DATA_DIR or ~/tensorflow_datasets)",
    )
    data.add_argument(
        "--skip-unreadable", action="store_true", help="leave out images that cannot be read"
    )


def _add_model(parser: argparse.ArgumentParser, recipe: Recipe) -> None:
    model = parser.add_argument_group("network")
    model.add_argument(
        "--recipe",
        choices=RECIPES,
        help="the paper whose network and training are the defaults of all other options; those "
        "below are of fbn (default: fbn)",
    )
    model.add_argument("--model", choices=MODELS, help=f"default: {recipe.model}")
    model.add_argument(
        "--normalization",
        metavar="NAME",
        help="as the network's builder takes it: fbn, shifted_relu, mimic_norm, ... (default: the "
        "recipe's, or the builder's)",
    )
    model.add_argument(
        "--groups",
        type=whole_number(1, 1000),
        metavar="G",
        help="of the fine-grained batch normalizations; 1 is batch normalization (default: 4)",
    )
    model.add_argument(
        "--channels-per-group",
        type=whole_number(1, LARGEST),
        metavar="N",
        help="input channels in each group, instead of --groups",
    )
    model.add_argument(
        "--no-affine",
        dest="affine",
        action="store_const",
        const=False,
        help="fine-grained normalizations without factors and offsets",
    )
    model.add_argument(
        "--no-squeeze-excite",
        dest="squeeze_excite",
        action="store_const",
        const=False,
        help="a Finet without squeeze-excite",
    )
    for name in ("depth", "width"):
        model.add_argument(
            f"--{name}",
            type=whole_number(1, 1000),
            metavar="N",
            help="of a wide residual network (default: the paper's)",
        )
    model.add_argument(
        "--widths",
        type=whole_number(1, LARGEST),
        nargs="+",
        metavar="N",
        help="channels of reactnet_a's stem and of its blocks, each as many as before or twice "
        "that (default: the paper's)",
    )
    model.add_argument(
        "--weights", type=Path, metavar="FILE", help="start from the weights of a trained model"
    )


def _add_training(parser: argparse.ArgumentParser, recipe: Recipe) -> None:
    training = parser.add_argument_group("training")
    for name, default, what in (
        ("epochs", recipe.epochs, "the schedule is scaled to them"),
        ("batch-size", recipe.batch_size, "images in a step, over all devices"),
    ):
        training.add_argument(
            f"--{name}",
            type=whole_number(1, LARGEST),
            metavar="N",
            help=f"{what} (default: {default})",
        )
    training.add_argument(
        "--learning-rate",
        type=number(0.0, 1e6),
        metavar="X",
        help=f"the first one (default: {recipe.learning_rate})",
    )
    training.add_argument("--seed", type=whole_number(0, 2**32 - 1), help="default: 0")
    training.add_argument(
        "--warmup-epochs",
        type=whole_number(0, LARGEST),
        metavar="N",
        help="epochs in which the learning rate rises (default: 0)",
    )
    training.add_argument(
        "--label-smoothing",
        type=number(0.0, 1.0),
        metavar="X",
        help="share of a label that is spread over all classes (default: 0)",
    )
    training.add_argument(
        "--clip-factor",
        type=number(1e-9, 1e9),
        metavar="X",
        help="clip the gradients of a filter to X times the norm of its weights, which "
        "--normalization normalizer_free wants, as with 0.02 (default: 0.02 with --recipe reactnet "
        "without batch normalization, else no clipping)",
    )
    training.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="a .keras file of the same classes, trained on images made the same way: its class "
        "probabilities take the labels' place in the loss",
    )
    training.add_argument(
        "--first-step",
        type=Path,
        metavar="FILE",
        help="model.keras of the first of the two steps of --recipe reactnet, which is then left "
        "out (default: both steps, the first one in the folder first_step of --out)",
    )
    training.add_argument(
        "--mixed-precision", choices=("float16", "bfloat16"), help="default: float32 throughout"
    )
    training.add_argument(
        "--ema",
        type=number(0.0, 1.0),
        metavar="X",
        help="evaluate and keep a moving average of the weights with this momentum",
    )


def number(low: float, high: float) -> Callable[[str], float]:
    """Returns a reader of numbers from `low` to `high`, for argparse."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low} to {high}, got {text}")
        return value

    return read
