"""What the card beside a checkpoint says of how it came to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from command_line import InputError
from stored_records import is_number, is_positive

from recipe.papers import CIFAR_RECIPES, IMAGENET_RECIPES
from recipe.sources import Source
from tflite_tools.model_card import card_path
from tflite_tools.provenance import file_hash

CHANNELS = 3
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


def pixels_in(card: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """By which means and deviations pixels were normalised; None if the card does not say."""
    try:
        found = card["data"]["preprocessing"]
        mean, std = (tuple(map(float, found[name])) for name in ("mean", "std"))
    except (LookupError, TypeError, ValueError):
        return None
    sound = len(mean) == len(std) == CHANNELS and all(map(is_positive, std))
    return (mean, std) if sound and all(map(is_number, mean)) else None


def check_classes(card: dict[str, Any], source: Source) -> None:
    """Refuses data whose classes are not those of the card, one after another."""
    data = card.get("data")
    trained = data.get("class_names") if isinstance(data, dict) else None
    if not isinstance(trained, list) or len(trained) != len(source.class_names):
        return
    for number, (there, here) in enumerate(zip(trained, source.class_names, strict=True)):
        if there != here:
            raise InputError(
                f"{source.name}: expected the classes that the model was trained on, in their "
                f"order: class {number} is {there} in the card beside it, got {here}. Name the "
                "classes of the data alike."
            )


def making_in(card: dict[str, Any]) -> dict[str, Any]:
    """How the model of a card was made, as arguments of `deploy`: what the file does not tell."""
    known = {name: card.get(name) for name in ("network", "recipe", "training")}
    return {name: value for name, value in known.items() if value and isinstance(value, dict)}
