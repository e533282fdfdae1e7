"""The card of a checkpoint: what it is, how it was made, what was measured on it.

`tflite_tools` reads `input_range` of a card beside a `.keras` file, and `release` what a table of
released weights needs. Nothing stands in a card that was not measured or set.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from recipe.deployment.checkout import Commit
from recipe.deployment.scores import Score
from tflite_tools.model_card import card_path
from tflite_tools.output_folder import whole_file
from tflite_tools.provenance import file_hash

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Artefact:
    """One file.

    Attributes:
        file: Its name.
        kind: What is in it, such as "Keras, as trained" or "TFLite int8".
        size_bytes: Its size.
        sha256: Its checksum, in hexadecimal digits.
        score: How it did on the test images; None if it was not measured.
    """

    file: str
    kind: str
    size_bytes: int
    sha256: str
    score: Score | None

    @classmethod
    def of(cls, path: Path, kind: str, score: Score | None) -> Artefact:
        """Describes a file as it is on the disk."""
        return cls(path.name, kind, path.stat().st_size, file_hash(path), score)


@dataclasses.dataclass(frozen=True)
class Card:
    """All of a card; the fields stand in its JSON under their names.

    Attributes:
        name: Of the checkpoint: its file's name without the suffix.
        created: When, in UTC.
        passed: Whether everything that is checked was as it has to be.
        problems: What was not, a sentence each.
        input_range: The smallest and the largest value that the network was fed in training.
        input_range_images: On how many training images that was measured.
        network: Builder and arguments, classes, parameters.
        data: Name, version, sizes of the splits, preprocessing.
        recipe: All settings of the training; None if they are not known.
        training: What the run came to: its last epoch, replicas.
        fusion: What comparing the fused with the trained network came to.
        artefacts: The files.
        commit: Of this project; None outside of a checkout.
        versions: Of Python and of the packages.
        intended_use: What the network is for.
        limits: What it is not for, and what is not known of it.
    """

    name: str
    created: str
    passed: bool
    problems: tuple[str, ...]
    input_range: tuple[float, float]
    input_range_images: int
    network: dict[str, Any]
    data: dict[str, Any]
    recipe: dict[str, Any] | None
    training: dict[str, Any]
    fusion: dict[str, Any]
    artefacts: tuple[Artefact, ...]
    commit: Commit | None
    versions: dict[str, str | None]
    intended_use: str
    limits: tuple[str, ...]

    def as_json(self) -> str:
        """The card for programs; not finite numbers are an error."""
        content = {"format": FORMAT, **dataclasses.asdict(self)}
        return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def card_files(model: Path) -> tuple[Path, Path]:
    """Where the card of a `.keras` file stands, as JSON and as Markdown."""
    as_json = card_path(model)
    return as_json, as_json.with_suffix(".md")


def remove_cards(model: Path) -> None:
    """Removes an earlier card: it would describe files that are about to be replaced."""
    for file in card_files(model):
        file.unlink(missing_ok=True)


def write(card: Card, model: Path, markdown: str) -> None:
    """Writes both forms beside the `.keras` file."""
    for path, text in zip(card_files(model), (card.as_json(), markdown), strict=True):
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
