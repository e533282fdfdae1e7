r"""Whether fine-grained batch normalisation (FBN) helps: Finets trained with it and with BN.

Beside them stand the schemes that train without batch normalisation.

python examples/compare_normalizations.py            # FinetSmall on characters drawn from fonts:
                                                     # 62 classes, five seeds; many hours
python examples/compare_normalizations.py --data digits --epochs 10 --seeds 0 1 2
python examples/compare_normalizations.py --smoke    # the same steps in under a minute
python examples/compare_normalizations.py --backend jax --model finet_small finet_large   # on a GPU
python examples/compare_normalizations.py --deploy   # adds size, operators and latency

Every finished run is on disk at once; a second call runs only what is missing. Several calls with
the same --out share the work if each has other --variants: they compile at the same time and train
in turns. A last call with all variants then writes the report.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from pathlib import Path

from command_line import (
    BACKENDS,
    InputError,
    check_installed,
    make_folder,
    positive_number,
    whole_number,
)
from normalization_comparison import deployed, runs
from normalization_comparison.setting import MODELS, RECIPES, Setting, setting
from normalization_comparison.turns import TimeIsUp, Turns
from normalization_comparison.variants import BASELINE, VARIANTS
from whole_files import write_text

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RESULTS = ("results.json", "results.md", "results.png")
SMOKE_VARIANTS = (BASELINE, "g4")
SMOKE_IMAGES = 96
SEEDS = [0, 1, 2, 3, 4]


def main() -> int:
    """Runs the comparison and returns the exit code."""
    options = parse_options()
    try:
        make_folder(options.out, RESULTS)
        settings = settings_of(options)
        if options.deploy:
            deploy(settings, options)
        elif not options.report_only:
            check_installed(options.backend, "--backend")
            train_missing(settings, options)
        write_report(settings, options)
    except InputError as error:
        print(f"compare_normalizations: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"compare_normalizations: interrupted; finished runs are in {options.out}/, and the "
            "same command goes on from there.",
            file=sys.stderr,
        )
        return 130
    return 0


def settings_of(options: argparse.Namespace) -> list[Setting]:
    return [
        setting(
            data, model, options.backend, train_images=options.train_images, epochs=options.epochs
        )
        for data, model in itertools.product(options.data, options.model)
    ]


def train_missing(settings: list[Setting], options: argparse.Namespace) -> None:
    """Trains what is not on disk yet, until the time limit."""
    turns = Turns(options.out, options.minutes)
    for each, variant in itertools.product(settings, options.variants):
        there = {run.seed for run in runs.read(options.out, each, [variant], options.seeds)}
        missing = [seed for seed in options.seeds if seed not in there]
        if not missing:
            continue
        os.environ["KERAS_BACKEND"] = each.backend
        # Only now: a report of what is there needs no Keras.
        from normalization_comparison.training_runs import train_and_write

        try:
            train_and_write(each, variant, missing, turns, options)
        except TimeIsUp:
            print(f"{options.minutes:g} minutes are over: no further run starts.", flush=True)
            return


def deploy(settings: list[Setting], options: argparse.Namespace) -> None:
    """Fuses, converts and measures the variants' networks; nothing is trained."""
    check_installed("tensorflow", "--deploy")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # Only now: training and reports need neither TensorFlow nor LiteRT.
    from tflite_tools.errors import ToolError
    from tflite_tools.quiet import silenced

    with silenced():
        from normalization_comparison.deployment import measure
    for each in settings:
        print(f"Fuse, convert and time {MODELS[each.model]} for {each.data} ...", flush=True)
        try:
            deployed.write(options.out, each, measure(each, options))
        except ToolError as error:
            raise InputError(f"--deploy: {error}") from error


def write_report(settings: list[Setting], options: argparse.Namespace) -> None:
    """Reports on all runs that are there, of the variants and seeds that were asked for."""
    # Only now: --help and mistakes need not wait for Matplotlib.
    from normalization_comparison import deployment_table, picture, report

    comparisons = []
    for each in settings:
        found = runs.read(options.out, each, options.variants, options.seeds)
        print(f"{len(found)} of {len(options.variants) * len(options.seeds)} runs of {each}")
        deployment = deployed.read(options.out, each, options.variants)
        if found:
            comparisons.append(report.Comparison(each, found, deployment))
            report.print_table(comparisons[-1])
        if deployment:
            deployment_table.print_table(deployment)
    if comparisons:
        report.write_json(options.out / "results.json", comparisons)
        write_text(options.out / "results.md", report.markdown(comparisons))
        picture.write_picture(options.out / "results.png", comparisons)
        print(f"{', '.join(RESULTS)} are in {options.out}/")


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]",
        description="Trains Finets that differ in nothing but their normalisation: batch "
        "normalisation (BN) and fine-grained batch normalisation (FBN) with 2, 4 and 8 groups, "
        "with and without learned factors and offsets. The same seed gives the same kernels, "
        "order of images, shifts and dropout, so that differences are paired. Beside them: shifted "
        "ReLU with 1-bit weights, MimicNorm, and standardised weights with adaptive gradient "
        "clipping (AGC); their kernels differ, the order of images and shifts are the same.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--backend", choices=BACKENDS, default="tensorflow")
    parser.add_argument("--data", nargs="+", choices=RECIPES, default=["characters"])
    parser.add_argument("--model", nargs="+", choices=MODELS, default=["finet_small"])
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=VARIANTS,
        default=list(VARIANTS),
        help="; ".join(f"{name}: {variant.title}" for name, variant in VARIANTS.items()),
    )
    parser.add_argument("--seeds", type=whole_number(0, 2**32 - 1), nargs="+", default=SEEDS)
    parser.add_argument(
        "--epochs", type=whole_number(1, 10_000), help="in place of the recipe's; it says how many"
    )
    parser.add_argument(
        "--train-images",
        type=whole_number(64, 10_000_000),
        help="in place of the 30,000 characters, the 20,000 few ones, or all digits",
    )
    parser.add_argument(
        "--minutes",
        type=positive_number,
        help="after so many no new run starts, and the report is of those that are there",
    )
    parser.add_argument(
        "--at-once",
        type=whole_number(1, 1000),
        metavar="SEEDS",
        help="on jax: how many seeds train in one program; None is all on a GPU, one on a CPU",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("out/compare_normalizations"),
        help=f"where the runs and {', '.join(RESULTS)} go",
    )
    parser.add_argument(
        "--report-only", action="store_true", help="of the runs that are there; train nothing"
    )
    parser.add_argument(
        "--deploy",
        action="store_true",
        help="train nothing: fuse each variant's network and convert it to float32, and add "
        "operators, size and latency on this processor to the report; needs tensorflow and LiteRT",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="two variants and seeds, one epoch on a few images, unless named",
    )
    return completed(parser.parse_args())


def completed(options: argparse.Namespace) -> argparse.Namespace:
    """Fills in what depends on other options, with each choice once."""
    if options.smoke:
        if options.variants == list(VARIANTS):
            options.variants = list(SMOKE_VARIANTS)
        if options.seeds == SEEDS:
            options.seeds = SEEDS[:2]
        options.epochs = options.epochs or 1
        options.train_images = options.train_images or SMOKE_IMAGES
    for name in ("data", "model", "variants", "seeds"):
        setattr(options, name, list(dict.fromkeys(getattr(options, name))))
    return options


if __name__ == "__main__":
    sys.exit(main())
