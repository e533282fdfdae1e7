"""Tables of the paper (arXiv 2005.06828) side by side with what is computed here.

python examples/reproduce_tables.py --table 1                                 # layers of Finet
python examples/reproduce_tables.py --table 2                                 # FLOPs, parameters
python examples/reproduce_tables.py --table 2 --format markdown --out table.md
python examples/reproduce_tables.py --table 4 --models out/table_4            # inference speed
python examples/reproduce_tables.py --table 5 --rows 'cifar10/affine/*'       # accuracies: trains
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from command_line import INTERRUPTED, InputError, make_folder, whole_number

from tflite_tools.errors import ToolError
from tflite_tools.output_folder import whole_file
from tflite_tools.quiet import silenced

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ACCURACIES = (5, 6, 7)
TABLES = {1: "layers", 2: "complexities", 4: "speeds", **dict.fromkeys(ACCURACIES, "accuracies")}
# What the modules' functions take from the command line.
TRAINING_OPTIONS = ("table", "results", "rows", "budget", "seeds", "data_dir")
OPTIONS = {
    4: ("models", "threads", "rounds", "binary", "serial"),
    **dict.fromkeys(ACCURACIES, TRAINING_OPTIONS),
}
FORMATS = ("table", "markdown", "json")


def main() -> int:
    """Computes a table and returns the exit code: 1 if a row failed, 130 after Ctrl-C."""
    options = parse_options()
    try:
        return show_table(options)
    except (InputError, ToolError) as error:
        print(f"reproduce_tables: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "reproduce_tables: interrupted. The same command goes on with what is kept.",
            file=sys.stderr,
        )
        return INTERRUPTED


def show_table(options: argparse.Namespace) -> int:
    """Computes the table that was asked for, and prints or writes it."""
    check_file(options.out)
    if options.table == 4:
        make_folder(options.models, [], "--models")
    if options.table in ACCURACIES:
        make_folder(options.results, [], "--results")
    # Only now: --help and mistakes need not wait for Keras' backend, which is noisy besides.
    with silenced():
        from paper_tables import formats

        module = importlib.import_module(f"paper_tables.{TABLES[options.table]}")
    arguments = {name: getattr(options, name) for name in OPTIONS.get(options.table, ())}
    table = module.table(smoke=options.smoke, **arguments)
    text = formats.FORMATS[options.format](table)
    if options.out is None:
        print(text, end="")
    else:
        with whole_file(options.out) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"Table {options.table} is in {options.out}")
    return 1 if table.failed else 0


def check_file(path: Path | None) -> None:
    """Makes the folder of `--out`, or says why the file cannot be written."""
    if path is None:
        return
    make_folder(path.parent, [path.name])
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"--out {path}: cannot be written to.")


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s --table {1,2,4,5,6,7} [options]",
        description="A table of the paper, each figure beside the one that is computed here. "
        "1: layers and output sizes of Finet. 2: FLOPs and parameters of Finet and the networks "
        "that it is compared with, in about two minutes. 4: their inference speed on this machine "
        "and on connected phones; making the files takes ten minutes the first time. 5, 6, 7: "
        "accuracies on CIFAR-10 and CIFAR-100; every row is a whole training.",
    )
    parser.add_argument("--table", type=int, choices=TABLES, required=True)
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where the table goes; default: the terminal"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="two networks only; small ones in Table 4"
    )
    speed = parser.add_argument_group("Table 4")
    speed.add_argument(
        "--models",
        type=Path,
        default=Path("out/table_4"),
        metavar="FOLDER",
        help="where .tflite files and raw results are kept; files that are there are used again "
        "(default: %(default)s)",
    )
    speed.add_argument(
        "--threads",
        type=whole_number(1, 64),
        nargs="+",
        default=[1, 2],
        metavar="N",
        help="numbers of threads to measure with (default: 1 2)",
    )
    speed.add_argument(
        "--rounds",
        type=whole_number(1, 1000),
        default=30,
        metavar="N",
        help="turns of 5 runs that each file gets on this machine (default: 30)",
    )
    speed.add_argument(
        "--binary",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="Android builds of benchmark_model: phones are measured too",
    )
    speed.add_argument(
        "--serial", nargs="+", default=[], metavar="SERIAL", help="phones (default: all)"
    )
    accuracy = parser.add_argument_group("Tables 5, 6 and 7")
    accuracy.add_argument(
        "--results",
        type=Path,
        default=Path("out/accuracies"),
        metavar="FOLDER",
        help="where trained rows are kept; those that are there are not trained again, and one "
        "that was interrupted goes on (default: %(default)s)",
    )
    accuracy.add_argument(
        "--rows",
        nargs="*",
        default=["*"],
        metavar="PATTERN",
        help="the rows to train, such as cifar10/affine/G=4 or 'cifar100/*'; of the others only "
        "what is kept is shown (default: all)",
    )
    accuracy.add_argument(
        "--budget",
        type=share,
        default=1.0,
        metavar="X",
        help="share of the epochs and of the images, for a trial; the table says so (default: 1)",
    )
    accuracy.add_argument(
        "--seeds",
        type=whole_number(0, 2**32 - 1),
        nargs="+",
        default=[0],
        metavar="N",
        help="of each row; the table has their mean (default: 0)",
    )
    accuracy.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where TFDS data sets are (default: TFDS_DATA_DIR or ~/tensorflow_datasets)",
    )
    options = parser.parse_args()
    options.seeds = list(dict.fromkeys(options.seeds))
    return options


def share(text: str) -> float:
    """Reads a number above 0 and at most 1, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= 1.0:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and at most 1, got {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
