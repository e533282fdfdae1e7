"""What the card beside a checkpoint says of the images that it was trained on."""

from __future__ import annotations

import json
from pathlib import Path

from recipe.papers import CIFAR_RECIPES, IMAGENET_RECIPES
from tflite_tools.model_card import card_path
from tflite_tools.provenance import file_hash

KNOWN = {
    recipe.augmentation for rows in (IMAGENET_RECIPES, CIFAR_RECIPES) for recipe in rows.values()
}


def augmentation_beside(model: Path) -> str | None:
    """By which augmentation a recipe trained a model; None without a card of this very file."""
    try:
        card = json.loads(card_path(model).read_bytes())
        hashes = [artefact["sha256"] for artefact in card["artefacts"]]
        augmentation = card["data"]["preprocessing"]["augmentation"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return augmentation if augmentation in KNOWN and file_hash(model) in hashes else None
