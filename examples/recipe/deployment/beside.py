"""What the card beside a checkpoint says of how it came to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipe.papers import CIFAR_RECIPES, IMAGENET_RECIPES
from tflite_tools.model_card import card_path
from tflite_tools.provenance import file_hash

KNOWN = {
    recipe.augmentation for rows in (IMAGENET_RECIPES, CIFAR_RECIPES) for recipe in rows.values()
}


def card_beside(model: Path) -> dict[str, Any]:
    """The content of the card of this very file; empty without one."""
    try:
        card = json.loads(card_path(model).read_bytes())
        hashes = [artefact["sha256"] for artefact in card["artefacts"]]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return card if file_hash(model) in hashes else {}


def augmentation_in(card: dict[str, Any]) -> str | None:
    """By which augmentation a recipe trained the model of a card; None if it does not say."""
    try:
        augmentation = card["data"]["preprocessing"]["augmentation"]
    except (LookupError, TypeError):
        return None
    return augmentation if augmentation in KNOWN else None


def making_in(card: dict[str, Any]) -> dict[str, Any]:
    """How the model of a card was made, as arguments of `deploy`: what the file does not tell."""
    known = {name: card.get(name) for name in ("network", "recipe", "training")}
    return {name: value for name, value in known.items() if value and isinstance(value, dict)}
