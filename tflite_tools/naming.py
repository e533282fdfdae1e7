"""Names that tell files and phones apart and can be shown anywhere."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tflite_tools.printable import shown


def distinct(candidates: Sequence[Sequence[str]]) -> list[str]:
    """A name for each thing: of its own candidates the first that no other thing has.

    Args:
        candidates: For each thing its possible names, the shortest first.
    """
    tables = [[shown(name) for name in names] for names in candidates]
    return [
        next(
            (name for name in names if not _is_taken(name, place, tables)),
            f"{names[-1]} ({place + 1})",
        )
        for place, names in enumerate(tables)
    ]


def file_names(paths: Iterable[Path]) -> dict[Path, str]:
    """A name for each file: its own, after that of its folder where another file has it too."""
    files = list(dict.fromkeys(paths))
    candidates = [
        (file.name, f"{file.absolute().parent.name}/{file.name}", str(file)) for file in files
    ]
    return dict(zip(files, distinct(candidates), strict=True))


def _is_taken(name: str, place: int, tables: list[list[str]]) -> bool:
    return any(name in names for other, names in enumerate(tables) if other != place)


def shortened(text: str, longest: int) -> str:
    """Both ends of a long name: they tell files apart."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
