"""The names of a model's classes, from a list or a file with one on each line."""

import os
from collections.abc import Iterable
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.metadata.model_metadata import check_labels


def load_labels(labels: Iterable[str] | str | os.PathLike[str]) -> tuple[str, ...]:
    """Returns the names of the classes, in order.

    Args:
        labels: The names, or the path of a text file with one on each line.
    """
    if isinstance(labels, str | os.PathLike):
        loaded = _lines(Path(labels))
    elif isinstance(labels, Iterable):
        loaded = tuple(labels)
    else:
        raise ToolError(
            f"labels: expected a list of names or a file with one on each line, got {labels!r}."
        )
    check_labels(loaded)
    return loaded


def check_label_count(labels: tuple[str, ...], scores: tuple[int, ...]) -> None:
    """Refuses labels that are not as many as a model's classes.

    Args:
        labels: The names of the classes.
        scores: The shape of the model's output for one sample.
    """
    if len(scores) != 1 or len(labels) != scores[0]:
        raise ToolError(
            f"labels: expected {' × '.join(map(str, scores))} names, one for each output of the "
            f"model, got {len(labels)}."
        )


def _lines(path: Path) -> tuple[str, ...]:
    try:
        # Some editors put a mark of the encoding first.
        return tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except OSError as error:
        raise ToolError(
            f"labels: expected a text file, one name on each line: {path}: {error.strerror}."
        ) from error
    except UnicodeDecodeError as error:
        raise ToolError(f"labels: expected {path} to be UTF-8 text, but {error}.") from error
