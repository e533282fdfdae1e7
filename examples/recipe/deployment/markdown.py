"""A card for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recipe.deployment.card import Artefact, Card

NOTHING = "–"
NAMES = "class_names"  # there may be a thousand; they stand in the JSON
KIB = 1024


def as_markdown(card: Card) -> str:
    """Returns the card as a Markdown document."""
    sections = [
        [f"# {card.name}", f"Made on {card.created} from commit {card.commit or 'unknown'}."],
        [_verdict(card)],
        ["## Use", card.intended_use],
        ["## Limits", _list(card.limits)],
        ["## Files", _table(ARTEFACT_HEADINGS, map(artefact_row, card.artefacts))],
        ["Agreement: test images with the same first choice as the Keras model as trained."],
        ["## Network", _facts(card.network)],
        ["## Data", _facts({name: each for name, each in card.data.items() if name != NAMES})],
        [f"Inputs in training: {_range(card)}."],
        ["## Recipe", "Not known." if card.recipe is None else _facts(card.recipe)],
        ["## Training", _facts(card.training) or "Not known."],
        ["## Fusion", _facts(card.fusion) or "Not done."],
        ["## Versions", _facts(card.versions)],
    ]
    return "\n\n".join(part for section in sections for part in section) + "\n"


ARTEFACT_HEADINGS = ("file", "what", "KiB", "top-1", "top-5", "agreement", "SHA-256")


def _verdict(card: Card) -> str:
    if card.passed:
        return "All checks passed."
    return "**Not to be used: checks failed.**\n\n" + _list(card.problems)


def artefact_row(artefact: Artefact) -> tuple[str, ...]:
    """One file in the columns of `ARTEFACT_HEADINGS`."""
    score = artefact.score
    shares = (None,) * 3 if score is None else (score.top1, score.top5, score.agreement)
    return (
        f"`{artefact.file}`",
        artefact.kind,
        f"{artefact.size_bytes / KIB:,.0f}",
        *(NOTHING if share is None else f"{share:.2%}" for share in shares),
        f"`{artefact.sha256}`",
    )


def _range(card: Card) -> str:
    low, high = card.input_range
    return f"from {low:.4g} to {high:.4g}, as measured on {card.input_range_images} images"


def _facts(facts: Mapping[str, Any]) -> str:
    return _list(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in facts.items())


def _plain(value: Any) -> str:
    if value is None or value == []:
        return NOTHING
    if isinstance(value, Mapping):
        return "; ".join(f"{name.replace('_', ' ')} {_plain(each)}" for name, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---"] * 2 + ["--:"] * 4 + ["---"]
    return "\n".join(_row(cells) for cells in (headings, rule, *rows))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
