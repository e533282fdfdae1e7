"""Tables 5, 6 and 7: accuracies on CIFAR beside those that the recipes reach here."""

from __future__ import annotations

import fnmatch
import statistics
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from command_line import InputError
from recipe.watching import TrainingStopped

from paper_tables.accuracy_cells import TITLES, Cell, cells
from paper_tables.accuracy_runs import Budget, Result, Runs, missing
from paper_tables.comparison import Figure, PaperTable, Row, number

NOTES = (
    "Top-1 accuracy in per cent on the test images, after the last epoch, by the recipe of the "
    "paper's section 5.3. A dash: not run here.",
)
# Of Finet's layers. What the authors did where a number does not divide the channels is not told.
SPLITS = {
    5: "A layer has the smallest divisor of its input channels that is at least G, and even if G "
    "is, as Table 2's parameters demand. Of 32 layers with FBN, G=4 has 4 groups in all; G=6 has 6 "
    "in one, 8 in 23 and 10 in 8; G=8 has 8 in 24 and 10 in 8: they differ in one layer.",
}


def table(
    table: int,
    smoke: bool,
    results: Path,
    rows: Sequence[str],
    budget: float,
    seeds: Sequence[int],
    data_dir: Path | None,
) -> PaperTable:
    """Trains the chosen rows of a table that are missing and returns all of it.

    Args:
        table: Its number.
        smoke: Whether to train the first row alone, on a few images that are made for it.
        results: The folder in which finished rows are kept.
        rows: Patterns of the names of the rows to train; of the others only what is kept is shown.
        budget: Share of epochs and images.
        seeds: Of each row.
        data_dir: Where TFDS data sets are.
    """
    every = cells(table)
    chosen = every[:1] if smoke else selected(every, rows)
    plan = Budget(budget, smoke)
    runs = Runs(results, plan, data_dir)
    failed = [
        f"{cell.name}, seed {seed}"
        for cell, seed in missing(runs, chosen, seeds)
        if not _train(runs, cell, seed)
    ]
    kept = ((cell, runs.kept(cell, seed)) for cell in every for seed in seeds)
    found: dict[str, list[Result]] = {cell.name: [] for cell in every}
    for cell, result in kept:
        if result is not None:
            found[cell.name].append(result)
    trial = "" if plan.is_whole else f". A TRIAL, NOT THE PAPER'S RECIPE: {_of(plan)}"
    return PaperTable(
        TITLES[table] + trial,
        ("data", "setting", "groups"),
        [_row(cell, found[cell.name], plan) for cell in every],
        (*NOTES, *([SPLITS[table]] if table in SPLITS else [])),
        has_differences=True,
        is_exact=False,
        failed=tuple(failed),
    )


def selected(cells: Sequence[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Returns the rows whose names match a pattern.

    Raises:
        InputError: for a pattern that no name matches.
    """
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(cell.name, pattern) for cell in cells):
            names = ", ".join(cell.name for cell in cells)
            raise InputError(f"--rows {pattern}: expected a pattern of {names}.")
    return [
        cell
        for cell in cells
        if any(fnmatch.fnmatchcase(cell.name, pattern) for pattern in patterns)
    ]


def _train(runs: Runs, cell: Cell, seed: int) -> bool:
    """Returns whether training came to its end."""
    try:
        runs.train(cell, seed)
    except TrainingStopped as stopped:  # the other rows may do better
        print(
            f"reproduce_tables: {cell.name}, seed {seed}: {stopped} The row stays empty; another "
            "of --seeds may do better.",
            file=sys.stderr,
        )
        return False
    return True


def _of(budget: Budget) -> str:
    return "smoke" if budget.smoke else f"budget {budget.share:g}"


def _row(cell: Cell, results: Sequence[Result], budget: Budget) -> Row:
    if not results:
        return Row(cell.labels, {"top-1": Figure(cell.printed, "", "")})
    accuracies = [100 * result.top1 for result in results]
    computed = f"{statistics.mean(accuracies):.3f}"
    # Another recipe's accuracy is not a difference from the paper's.
    figure = Figure(cell.printed, computed, "")
    if budget.is_whole:
        figure = number(cell.printed, Decimal(computed), cut_off=False)
    return Row(cell.labels, {"top-1": figure}, _remark(cell, results, budget))


def _remark(cell: Cell, results: Sequence[Result], budget: Budget) -> str:
    said = []
    if len(results) > 1:
        deviation = statistics.stdev(100 * result.top1 for result in results)
        said.append(f"mean of {len(results)} seeds, standard deviation {deviation:.3f}")
    if not budget.is_whole:
        one = results[0]
        said.append(
            f"{one.epochs} of {cell.recipe.epochs} epochs on {one.training_images:,} images, "
            f"measured on {one.evaluation_images:,}"
        )
    if budget.smoke:
        said.append(f"all of them made for the trial, with {one.recipe['model']}")
    return ", ".join(said)
