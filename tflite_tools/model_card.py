"""What the model card beside a `.keras` file says of the model's inputs.

A card is a JSON object in `model.card.json` beside `model.keras`. One key is read here:
`"input_range": [low, high]`, the smallest and the largest value that the model was fed in training.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.paths import checked_path

_KEY = "input_range"


def card_path(model: Path) -> Path:
    """Where the card of a `.keras` file stands."""
    return model.with_suffix(".card.json")


def trained_input_range(
    model: Any, card: str | os.PathLike[str] | None = None
) -> tuple[float, float] | None:
    """The range of the inputs in training, if a card tells it.

    Args:
        model: The path of a `.keras` file, beside which a card may stand, or a model.
        card: A card elsewhere, which then has to tell the range.
    """
    if card is not None:
        found = _input_range(checked_path(card, what="model card"))
        if found is None:
            raise ToolError(f'{card}: expected the key "{_KEY}": [low, high] in the model card.')
        return found
    if not isinstance(model, str | os.PathLike):
        return None
    beside = card_path(Path(model))
    return _input_range(beside) if beside.exists() else None


def _input_range(card: Path) -> tuple[float, float] | None:
    try:
        content = json.loads(card.read_bytes())
    except OSError as error:
        raise ToolError(f"{card}: expected a readable model card: {error.strerror}.") from error
    # Also of what is no UTF-8: UnicodeDecodeError is one.
    except ValueError as error:
        raise ToolError(f"{card}: expected a model card in JSON, but {error}.") from error
    if not isinstance(content, dict):
        raise ToolError(
            f"{card}: expected a model card, a JSON object, got a {type(content).__name__}."
        )
    if _KEY not in content:
        return None
    match content[_KEY]:
        case [int() | float() as low, int() | float() as high] if low < high and all(
            map(math.isfinite, (low, high))
        ):
            return float(low), float(high)
    raise ToolError(
        f'{card}: expected "{_KEY}": [low, high], two numbers of which the second is larger, got '
        f"{json.dumps(content[_KEY])[:80]}."
    )
