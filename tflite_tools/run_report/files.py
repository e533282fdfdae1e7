"""Which .tflite files the records speak of: the same content is the same file."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tflite_tools.naming import distinct

_DIGITS_SHOWN = 8


@dataclass
class KnownFile:
    """A file as the records know it.

    Attributes:
        sha256: The hash of its content; None if no record has it.
        paths: Where records say that it is, each once.
        name: What the report calls it.
        folders: Where it may be too, under its name, if its hash is known.
    """

    sha256: str | None
    paths: list[Path] = field(default_factory=list)
    name: str = ""
    folders: tuple[Path, ...] = ()

    def located(self) -> Path | None:
        """A path at which this content is now; None if there is none."""
        others = [folder / path.name for path in self.paths for folder in self.folders]
        paths = [*self.paths, *(others if self.sha256 else ())]
        return next((path for path in paths if self._is_at(path)), None)

    def why_missing(self) -> str:
        """What is wrong with the paths, where `located` finds none."""
        changed = [path for path in self.paths if path.is_file()]
        if changed:
            return f"{changed[0]} is not the file any more that the records are of"
        return f"{self.paths[0]} is not there any more"

    def _is_at(self, path: Path) -> bool:
        try:
            content = path.read_bytes()
        except OSError:
            return False
        return self.sha256 in (None, hashlib.sha256(content).hexdigest())


class Catalogue:
    """All files, each once.

    Args:
        folders: Where files may be that are not at their paths any more.
    """

    def __init__(self, folders: tuple[Path, ...] = ()) -> None:
        self._folders = folders
        self.files: list[KnownFile] = []
        self.ambiguous: list[str] = []

    def add_hashed(self, path: Path, sha256: str) -> KnownFile:
        """The file of that content."""
        for known in self.files:
            if known.sha256 == sha256:
                break
        else:
            known = KnownFile(sha256, folders=self._folders)
            self.files.append(known)
        return _with_path(known, path)

    def add_by_name(self, path: Path) -> KnownFile:
        """The file of that path, else the only one of that name; a new one if there is none.

        Add files whose hash is known before.
        """
        same_path = [known for known in self.files if path in known.paths]
        same_name = [k for k in self.files if any(p.name == path.name for p in k.paths)]
        found = same_path or same_name
        if len(found) == 1:
            return _with_path(found[0], path)
        if len(found) > 1:
            self.ambiguous.append(
                f"{path}: {len(found)} files have this name, and the record holds no hash that "
                "would tell which it is of: it stands by itself."
            )
        known = KnownFile(None)
        self.files.append(known)
        return _with_path(known, path)

    def name_files(self) -> None:
        """Gives every file a name that no other has."""
        names = distinct([list(_candidates(known)) for known in self.files])
        for known, name in zip(self.files, names, strict=True):
            known.name = name


def _with_path(known: KnownFile, path: Path) -> KnownFile:
    if path not in known.paths:
        known.paths.append(path)
    return known


def _candidates(known: KnownFile) -> Iterable[str]:
    path = known.paths[0]
    yield path.name
    yield f"{path.parent.name}/{path.name}"
    yield f"{path.name} ({known.sha256[:_DIGITS_SHOWN] if known.sha256 else path})"
