"""A card as an entry of `keras_finet.applications.released`, the table of released weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from command_line import InputError

import keras_finet
from keras_finet.applications.released import NotReleasedError

DATASET = "imagenet2012"
IMAGES = 50_000  # of ImageNet's validation set
HEX_DIGITS_IN_NAME = 8


def variant(builder: str, arguments: Mapping[str, Any]) -> str:
    """What the table calls a network: builder and all arguments that its weights depend on."""
    try:
        getattr(keras_finet, builder)(weights="imagenet", **arguments)
    except NotReleasedError as error:
        return error.variant
    raise InputError(f"{builder}: a checkpoint with these arguments has been released already.")


def released_entry(card: Mapping[str, Any], url: str) -> str:
    """The line of `RELEASED` with which `weights="imagenet"` finds a checkpoint.

    Args:
        card: The JSON of a card.
        url: The folder from which the file will be downloaded.

    Raises:
        InputError: if the card is not that of a whole run on ImageNet that passed all checks.
    """
    _check(card)
    trained = card["artefacts"][0]
    builder, arguments = card["network"]["builder"], card["network"]["arguments"]
    stem = f"{card['network']['name']}_{trained['sha256'][:HEX_DIGITS_IN_NAME]}"
    name = f"{stem}{Path(trained['file']).suffix}"
    return (
        f"    {variant(builder, arguments)!r}: Checkpoint(\n"
        f"        file_name={name!r},\n"
        f"        url={f'{url}/{name}'!r},\n"
        f"        sha256={trained['sha256']!r},\n"
        f"        top1={round(100 * trained['score']['top1'], 3)!r},\n"
        "    ),\n"
    )


def _check(card: Mapping[str, Any]) -> None:
    if not card["passed"]:
        raise InputError(f"{card['name']}: expected a card that passed, got one with problems.")
    if card["data"]["name"] != DATASET:
        raise InputError(
            f"{card['name']}: expected a network for {DATASET}, got {card['data']['name']}."
        )
    measured = card["artefacts"][0]["score"]["samples"]
    if measured != IMAGES:
        raise InputError(
            f"{card['name']}: expected an accuracy on all {IMAGES:,} validation images, got "
            f"{measured:,}."
        )
    if (card["commit"] or {"dirty": True})["dirty"]:
        raise InputError(
            f"{card['name']}: expected a clean commit, from which it can be made again, got "
            f"{card['commit'] or 'none'}."
        )
