"""What a deployment came to, on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import rich.console
import rich.table

from recipe.deployment.card import Card, card_files
from recipe.deployment.markdown import artefact_row

TEXT_WIDTH = 110  # a file has no width
COLUMNS = ("file", "what", "KiB", "top-1", "top-5", "agreement")


def report(card: Card, file: Path) -> int:
    """Prints the files with their accuracies and what went wrong; returns the exit code."""
    table = rich.table.Table()
    for number, heading in enumerate(COLUMNS):
        table.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    for artefact in card.artefacts:
        cells = artefact_row(artefact)[: len(COLUMNS)]
        table.add_row(*(cell.strip("`") for cell in cells))
    width = None if sys.stdout.isatty() else TEXT_WIDTH
    rich.console.Console(width=width).print(table)
    for problem in card.problems:
        print(f"{file.name}: {problem}", file=sys.stderr)
    print(f"Card: {card_files(file)[1]}")
    return 0 if card.passed else 1
