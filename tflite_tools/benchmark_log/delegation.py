"""Who ran the model: the delegate that was asked for, a part of it, or the CPU after all."""

import re
from dataclasses import dataclass, field

from tflite_tools.benchmark_log.cleaning import COUNT, whole_number
from tflite_tools.benchmark_log.records import Delegation

_REPLACING = re.compile(
    rf"Replacing {COUNT} out of {COUNT} node\(s\) with delegate \(([^)]*)\) node, "
    rf"yielding {COUNT} partitions(?: for (?:subgraph ([0-9]+)|the whole graph))?"
)
_EXPLICITLY = r"Explicitly applied (.+?) delegate, and the model graph will be "
_FULLY = re.compile(_EXPLICITLY + r"completely executed")
_PARTLY = re.compile(_EXPLICITLY + r"partially executed")
_NOT = re.compile(r"Though (.+?) delegate is explicitly applied, the model graph will not be")
_NOT_APPLIED = re.compile(r"Failed to apply (.+?) delegate")
_NOT_CREATED = re.compile(r"Could not create (\w+) delegate")
_NO_GPU = "GPU acceleration is unsupported on this platform"
_NO_ACCELERATOR = re.compile(r"Could not find the specified NNAPI accelerator: [^{]*\{([^}]*)\}")
_RESTORED = "Restored original execution plan after delegate application failure"
_REQUESTED = re.compile(r"\bUse (gpu|nnapi|hexagon|xnnpack)\s*: \[(?:1|true)\]", re.IGNORECASE)
_EXTERNAL = re.compile(r"External delegate path\s*: \[[^\]]+\]", re.IGNORECASE)
_REQUIRED = re.compile(r"Require full delegation\s*: \[(?:1|true)\]", re.IGNORECASE)
_ACCELERATORS = re.compile(r"NNAPI accelerators available: \[([^\]]*)\]")
_ACCELERATOR = re.compile(r"NNAPI accelerator name\s*: \[([^\]]+)\]", re.IGNORECASE)
# NNAPI's own implementation on the CPU.
_REFERENCE = "nnapi-reference"
_CPU = "xnnpack"
# In this order: the first that a delegate's name contains.
_NAMES = {
    "xnnpack": "xnnpack",
    "nnapi": "nnapi",
    "hexagon": "hexagon",
    "qnn": "qnn",
    "dispatch": "npu",
    "gpu": "gpu",
    "litert_cl": "gpu",
    "opencl": "gpu",
}
# It runs TensorFlow's operators on the CPU, whatever was asked for.
_FLEX = "flex"


@dataclass(frozen=True)
class Applied:
    """The attributes of these names of a `BenchmarkRecord`."""

    delegate: str | None
    delegation: Delegation | None
    nodes: int | None
    delegated_nodes: int | None
    partitions: int | None
    accelerators: tuple[str, ...]


@dataclass
class _Story:
    """What the lines read so far have said."""

    requested: str | None = None
    required: bool = False
    verdicts: dict[str, Delegation] = field(default_factory=dict)
    # For each delegate and subgraph: nodes taken, nodes there, partitions.
    replaced: dict[str, dict[str, tuple[int, int, int]]] = field(default_factory=dict)
    latest: str | None = None
    accelerators: tuple[str, ...] = ()
    accelerator: str | None = None

    def judge(self, name: str, delegation: Delegation) -> None:
        self.verdicts[name] = delegation
        self.latest = name


def read_delegation(lines: list[str], *, finished: bool) -> Applied:
    """Reads who ran the model.

    Args:
        lines: The log.
        finished: Whether it holds a result: `--require_full_delegation` says something only then.
    """
    story = _Story()
    for line in lines:
        _read_replacement(line, story)
        _read_verdict(line, story)
        _read_settings(line, story)
    delegate = _delegate(story)
    delegation = _delegation(story, delegate, finished=finished)
    counts = story.replaced.get(delegate or "", {}).values()
    taken, there, pieces = (
        (sum(column) for column in zip(*counts, strict=True))
        if counts
        else (
            None,
            None,
            None,
        )
    )
    return Applied(delegate, delegation, there, taken, pieces, story.accelerators)


def _read_replacement(line: str, story: _Story) -> None:
    if not (found := _REPLACING.search(line)):
        return
    counts = tuple(whole_number(found[group]) for group in (1, 2, 4))
    name = _known(found[3])
    taken, there, pieces = counts
    if name == _FLEX or taken is None or there is None or pieces is None:
        return
    story.replaced.setdefault(name, {})[found[5] or "0"] = (taken, there, pieces)
    story.verdicts.pop(name, None)
    story.latest = name


def _read_verdict(line: str, story: _Story) -> None:
    patterns: tuple[tuple[re.Pattern[str], Delegation], ...] = (
        (_FULLY, "full"),
        (_PARTLY, "partial"),
        (_NOT, "none"),
        (_NOT_APPLIED, "none"),
        (_NOT_CREATED, "none"),
    )
    for pattern, delegation in patterns:
        if found := pattern.search(line):
            story.judge(_known(found[1]), delegation)
    if _NO_GPU in line:
        story.judge("gpu", "none")
    if found := _NO_ACCELERATOR.search(line):
        story.accelerators = story.accelerators or _listed(found[1])
        story.judge("nnapi", "none")
    if _RESTORED in line and (name := story.latest or story.requested):
        story.judge(name, "none")


def _read_settings(line: str, story: _Story) -> None:
    if found := _REQUESTED.search(line):
        # XNNPACK may be on beside another delegate, for what that leaves.
        name = found[1].lower()
        story.requested = name if name != _CPU else story.requested or name
    if _EXTERNAL.search(line):
        story.requested = "external"
    if _REQUIRED.search(line):
        story.required = True
    if found := _ACCELERATORS.search(line):
        story.accelerators = _listed(found[1])
    if found := _ACCELERATOR.search(line):
        story.accelerator = found[1]


def _delegate(story: _Story) -> str | None:
    seen = [*story.verdicts, *story.replaced]
    own = [name for name in seen if name not in (_CPU, "external")]
    if story.requested in (None, _CPU) or (story.requested == "external" and own):
        return own[0] if own else story.requested or next(iter(seen), None)
    return story.requested


def _delegation(story: _Story, delegate: str | None, *, finished: bool) -> Delegation | None:
    if delegate is None:
        return None
    verdict = _verdict(story, delegate)
    if delegate == "nnapi" and verdict != "none" and _only_the_reference(story):
        return "none"
    if verdict is None and story.required and finished:
        return "full"
    # XNNPACK has taken what another delegate was meant to take.
    if verdict is None and delegate != _CPU and _CPU in story.replaced:
        return "none"
    return verdict


def _verdict(story: _Story, delegate: str) -> Delegation | None:
    counts = story.replaced.get(delegate)
    spoken = story.verdicts.get(delegate) or (
        story.verdicts.get("external") if delegate != _CPU else None
    )
    if spoken is not None or not counts:
        return spoken
    taken, there = (sum(c[column] for c in counts.values()) for column in (0, 1))
    if not taken:
        return "none"
    return "full" if taken == there else "partial"


def _only_the_reference(story: _Story) -> bool:
    return story.accelerator == _REFERENCE or story.accelerators == (_REFERENCE,)


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _known(name: str) -> str:
    lower = name.strip().lower()
    if _FLEX in lower:
        return _FLEX
    return next((ours for part, ours in _NAMES.items() if part in lower), lower)
