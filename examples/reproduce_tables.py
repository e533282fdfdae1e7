"""Tables of the paper (arXiv 2005.06828) side by side with what is computed here.

python examples/reproduce_tables.py --table 1                                 # layers of Finet
python examples/reproduce_tables.py --table 2                                 # FLOPs, parameters
python examples/reproduce_tables.py --table 2 --format markdown --out table.md
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from command_line import InputError, make_folder

from tflite_tools.quiet import silenced

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

TABLES = {1: "layers", 2: "complexities"}
FORMATS = ("table", "markdown", "json")


def main() -> int:
    """Computes a table and returns the exit code."""
    options = parse_options()
    try:
        check_file(options.out)
    except InputError as error:
        print(f"reproduce_tables: {error}", file=sys.stderr)
        return 2

    # Only now: --help and mistakes need not wait for Keras' backend, which is noisy besides.
    with silenced():
        from paper_tables import formats

        module = importlib.import_module(f"paper_tables.{TABLES[options.table]}")
    text = formats.FORMATS[options.format](module.table(smoke=options.smoke))
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")
        print(f"Table {options.table} is in {options.out}")
    return 0


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
        usage="%(prog)s --table {1,2} [options]",
        description="A table of the paper, each figure beside the one that is computed here. "
        "1: layers and output sizes of Finet. 2: FLOPs and parameters of Finet and the networks "
        "that it is compared with, in about two minutes.",
    )
    parser.add_argument("--table", type=int, choices=TABLES, required=True)
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where the table goes; default: the terminal"
    )
    parser.add_argument("--smoke", action="store_true", help="two networks of Table 2 only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
