r"""What fine-grained batch normalisation costs in training, beside batch normalisation.

python examples/benchmark_training.py                          # about half an hour on two cores
python examples/benchmark_training.py --smoke                  # the same steps, under 40 seconds
python examples/benchmark_training.py --backend jax torch --batch 256 \
    --precision float32 mixed_bfloat16                         # on a GPU
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import sys
from pathlib import Path
from typing import Any

from command_line import BACKENDS, InputError, make_folder, whole_number
from training_cost.machine import describe_machine
from training_cost.memory import MALLOC_ENVIRONMENT
from training_cost.plan import (
    BASELINE,
    NETWORKS,
    PRECISIONS,
    SMOKE_NETWORK,
    SMOKE_VARIANTS,
    VARIANTS,
    Comparison,
    comparison,
)
from training_cost.processes import ask_worker
from training_cost.results import Result, rows_of
from whole_files import write_text

ARTEFACTS = ("results.json", "results.md", "results.png")


def main() -> int:
    """Runs the comparisons and returns the exit code."""
    options = parse_options()
    try:
        check_installed(options.backend)
        make_folder(options.out, ARTEFACTS)
        return measure(options)
    except InputError as error:
        print(f"benchmark_training: {error}", file=sys.stderr)
        return 2


def measure(options: argparse.Namespace) -> int:
    """Runs the comparisons, writes what came of them and returns the exit code."""
    # Only now: --help and mistakes need not wait for matplotlib.
    from training_cost.picture import write_picture
    from training_cost.report import markdown, print_table, write_json

    machine = describe_machine()
    results: list[Result] = []
    try:
        for common in comparisons(options):
            results.append(compare(common, options.variant))
            # After each: what has been measured survives whatever happens to the next.
            write_json(options.out / "results.json", results, machine, vars(options))
            text = markdown(results, machine)
            write_text(options.out / "results.md", text)
            write_picture(options.out / "results.png", results)
            print_table(results[-1])
    except KeyboardInterrupt:
        print(
            f"benchmark_training: interrupted after {len(results)} of {len(comparisons(options))} "
            f"comparisons; their results are in {options.out}/",
            file=sys.stderr,
        )
        return 130
    print(f"{', '.join(ARTEFACTS)} are in {options.out}/")
    return int(any(row.failed for result in results for row in result.rows))


def compare(common: Comparison, variants: list[str]) -> Result:
    """Measures the variants of a network: each alone, then those that work against each other."""
    print(f"\n{common}", flush=True)
    costs: dict[str, dict[str, Any]] = {}
    for variant in variants:
        print(f"  memory and FLOPs of {VARIANTS[variant]} ...", flush=True)
        costs[variant] = ask_worker(common, MALLOC_ENVIRONMENT, variant=variant)
    working = [variant for variant, cost in costs.items() if "flops" in cost]
    times: dict[str, Any] = {"samples": {}, "failed": {}}
    if working:
        print(f"  times of {len(working)} variants in turns ...", flush=True)
        answer = ask_worker(common, variants=working)
        if "samples" in answer:
            times = answer
        else:  # the process died, and with it what it had measured of all of them
            times["failed"] = dict.fromkeys(working, answer["failed"])
    device = {
        key: cost[key] for cost in costs.values() for key in ("version", "gpu") if key in cost
    }
    return Result(common, rows_of(costs, times), device)


def comparisons(options: argparse.Namespace) -> list[Comparison]:
    return [
        comparison(*choice, side=options.side, batch=options.batch, rounds=options.rounds)
        for choice in itertools.product(options.backend, options.precision, options.network)
    ]


def check_installed(backends: list[str]) -> None:
    for backend in backends:
        if importlib.util.find_spec(backend) is None:
            raise InputError(
                f"--backend {backend}: it is not installed. Install it with: pip install {backend}"
            )


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]",
        description="Time, peak memory and FLOPs of a training step, with several normalisations "
        "in place of the network's fine-grained ones, relative to batch normalisation. Exit code "
        "1: some variant failed, as the tables say.",
        epilog="On a GPU: python examples/benchmark_training.py --backend jax torch --batch 256 "
        "--precision float32 mixed_bfloat16",
    )
    parser.add_argument(
        "--backend",
        nargs="+",
        choices=BACKENDS,
        default=["tensorflow"],
        help="default: tensorflow",
    )
    parser.add_argument("--network", nargs="+", choices=NETWORKS, help="default: all of them")
    parser.add_argument(
        "--variant",
        nargs="+",
        choices=VARIANTS,
        help=f"default: all of them; {BASELINE}, which the ratios are to, is always measured. "
        + "; ".join(f"{key}: {name}" for key, name in VARIANTS.items()),
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=["float32"],
        help="Keras dtype policies; default: float32",
    )
    parser.add_argument(
        "--side",
        type=whole_number(32, 4096),
        default=224,
        help="pixels; ResNet18 is the CIFAR one and always has 32; default: %(default)s",
    )
    parser.add_argument(
        "--batch",
        type=whole_number(1, 65536),
        default=32,
        help="images; ResNet18 has twice as many; default: %(default)s",
    )
    parser.add_argument(
        "--rounds",
        type=whole_number(1, 100_000),
        default=8,
        help="how often each variant is timed; default: %(default)s",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("out/benchmark_training"),
        help=f"where {', '.join(ARTEFACTS)} go; default: %(default)s",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="the same steps in under 40 seconds: two layers and three variants, unless named, on "
        "small images",
    )
    return completed(parser.parse_args())


def completed(options: argparse.Namespace) -> argparse.Namespace:
    """Fills in what depends on other options, with each choice once and the baseline first."""
    if options.smoke:
        options.side, options.batch, options.rounds = 32, 64, 2
    options.network = options.network or ([SMOKE_NETWORK] if options.smoke else NETWORKS)
    options.variant = options.variant or (SMOKE_VARIANTS if options.smoke else VARIANTS)
    options.variant = list(dict.fromkeys([BASELINE, *options.variant]))
    for name in ("backend", "precision", "network"):
        setattr(options, name, list(dict.fromkeys(getattr(options, name))))
    return options


if __name__ == "__main__":
    sys.exit(main())
