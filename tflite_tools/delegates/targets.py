"""The phones that a report can be made for, read from `targets.toml`."""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

from tflite_tools.delegates.rules import DELEGATES
from tflite_tools.errors import ToolError


@dataclass(frozen=True)
class Attempt:
    """A precision and a delegate to try together."""

    precision: str
    delegate: str


@dataclass(frozen=True)
class Target:
    """A phone.

    Attributes:
        name: What `--target` calls it.
        title: Its name for people.
        soc: Its chip's model; "" for any.
        cpu: Its processor; "" if unknown.
        gpu: Its graphics processor; "" if unknown.
        npu: Its DSP or neural processor; "" if unknown.
        delegates: The delegates that exist for it.
        attempts: What to try, the most promising first.
        accelerators: The names under which NNAPI was seen to offer its accelerators.
        warnings: What to know before, a sentence each.
    """

    name: str
    title: str
    soc: str
    cpu: str
    gpu: str
    npu: str
    delegates: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    accelerators: tuple[str, ...]
    warnings: tuple[str, ...]


@functools.cache
def load_targets() -> dict[str, Target]:
    """All targets by name."""
    path = resources.files("tflite_tools.delegates") / "targets.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Target(
            name=name,
            title=entry["title"],
            soc=entry["soc"],
            cpu=entry["cpu"],
            gpu=entry["gpu"],
            npu=entry["npu"],
            delegates=tuple(d for d in DELEGATES if d in entry["delegates"]),
            attempts=tuple(Attempt(*pair) for pair in entry["try"]),
            accelerators=tuple(entry["accelerators"]),
            warnings=tuple(entry["warnings"]),
        )
        for name, entry in table.items()
    }


def find_target(name: str) -> Target:
    """The target of that name.

    Raises:
        ToolError: There is none.
    """
    targets = load_targets()
    if name not in targets:
        raise ToolError(f"target {name!r} is unknown; there are {', '.join(targets)}.")
    return targets[name]
