"""What conversion costs beside the bare TFLiteConverter, and evaluation on two cores beside one.

python examples/benchmark_conversion.py               # FinetLarge at 224×224, about ten minutes
python examples/benchmark_conversion.py --smoke       # the same steps on a small network
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys

from command_line import whole_number

from tflite_tools.quiet import silenced

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> int:
    """Prints the ratios and returns the exit code."""
    options = parse_options()
    # Only now: --help and mistakes need not wait for TensorFlow.
    with silenced():
        from conversion_cost import costs
    found = costs(smoke=options.smoke, rounds=options.rounds)
    if options.json:
        print(json.dumps([dataclasses.asdict(cost) for cost in found], indent=2))
        return 0
    print("| what | against | s | s | ratio (quartiles) | goal |\n|---|---|--:|--:|--:|--:|")
    for cost in found:
        low, high = cost.quartiles
        print(
            f"| {cost.what} | {cost.against} | {cost.seconds:.3f} | {cost.against_seconds:.3f} "
            f"| {cost.ratio:.2f} ({low:.2f}–{high:.2f}) "
            f"| {cost.goal}: {'reached' if cost.reached else 'missed'} |"
        )
    print(f"\nMedians of {options.rounds} rounds (inference: {5 * options.rounds}) in turns.")
    return 0


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        description="Times conversion beside the bare TFLiteConverter, evaluation on two cores "
        "beside one, and a file beside the bare converter's: ratios within one run."
    )
    parser.add_argument(
        "--rounds", type=whole_number(1, 1000), help="of each comparison (default: 7)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--smoke", action="store_true", help="a small network, one round")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.smoke else 7)
    return options


if __name__ == "__main__":
    sys.exit(main())
