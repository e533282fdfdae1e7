"""What every precision costs, and what quantisation-aware training (QAT) wins back.

python examples/compare_quantization.py            # FinetSmall with and without squeeze-excite,
                                                   # three seeds each, on the digits: 40 minutes
python examples/compare_quantization.py --seeds 0  # one seed of each
python examples/compare_quantization.py --smoke    # the same steps in under a minute

The trained Keras models stay in the --out folder; a second run takes them from there.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from command_line import InputError, make_folder, whole_number
from image_data import load_digits

from tflite_tools.quiet import silenced

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

IMAGE_SIZE = 32
SMOKE_IMAGES = 64
NETWORKS = {"FinetSmall": False, "FinetSmall-SE": True}
RESULTS = "results.json"


def main() -> int:
    """Runs the comparison and returns the exit code: 1 if QAT missed its goal."""
    options = parse_options()
    data = load_digits(IMAGE_SIZE)
    names = {
        (network, seed): f"{network}_seed{seed}_{options.epochs}epochs"
        for network in options.networks
        for seed in options.seeds
    }
    try:
        make_folder(options.out, [RESULTS, *(f"{name}.keras" for name in names.values())])
    except InputError as error:
        print(f"compare_quantization: {error}", file=sys.stderr)
        return 2
    if options.smoke:
        data = data.with_fewer_images(SMOKE_IMAGES)

    # Only now: --help and mistakes need not wait for TensorFlow, which is noisy besides.
    with silenced():
        from quantization_table import measured, report

    print(f"On {data}", flush=True)
    rows = []
    for (network, seed), name in names.items():
        file = options.out / f"{name}.keras"
        if not file.exists():
            print(f"Train {name}", flush=True)
            measured.train_model(file, data, NETWORKS[network], seed, options)
        print(f"Convert, train for int8 and measure {name}", flush=True)
        rows += measured.rows(network, seed, file, data, options)
        report.write_json(options.out / RESULTS, rows, options, str(data))
    return report.print_report(rows, check=not options.smoke)


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]",
        description="Top-1, agreement with the Keras model, size and latency of FinetSmall with "
        "and without squeeze-excite as float32, float16, dynamic-range int8, int8 by post-training "
        "quantisation and int8 by quantisation-aware training.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("out/compare_quantization"),
        help="where models and results go",
    )
    parser.add_argument(
        "--seeds", type=whole_number(0, 2**32 - 1), nargs="+", default=[0, 1, 2], metavar="SEED"
    )
    parser.add_argument(
        "--epochs", type=whole_number(1, 10_000), default=20, help="of the float training"
    )
    parser.add_argument(
        "--qat-epochs", type=whole_number(1, 10_000), default=20, help="of the training for int8"
    )
    parser.add_argument(
        "--networks", choices=NETWORKS, nargs="+", default=list(NETWORKS), metavar="NETWORK"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="one network, one seed, one epoch on a few images"
    )
    options = parser.parse_args()
    if options.smoke:
        options.epochs = options.qat_epochs = 1
        options.seeds, options.networks = options.seeds[:1], options.networks[:1]
    return options


if __name__ == "__main__":
    sys.exit(main())
