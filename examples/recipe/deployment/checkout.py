"""Which commit of this project is running."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Commit:
    """A commit, and whether files differ from it.

    Attributes:
        id: All of its hexadecimal digits.
        dirty: Whether files were changed or added since.
    """

    id: str
    dirty: bool

    def __str__(self) -> str:
        return f"{self.id}, with uncommitted changes" if self.dirty else self.id


def commit(root: Path = ROOT) -> Commit | None:
    """The commit that is checked out at `root`; None if `root` is no checkout of its own."""
    top = _git(root, "rev-parse", "--show-toplevel")
    # An installation inside another project's checkout has not that project's commit.
    if top is None or Path(top).resolve() != root.resolve():
        return None
    head, changes = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    return None if head is None or changes is None else Commit(head, bool(changes))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
