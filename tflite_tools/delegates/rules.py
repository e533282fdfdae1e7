"""The rules of the delegates, read from the tables in the folder `rules`."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from tflite_tools.delegates import (  # noqa: F401  (register the checks)
    operand_checks,
    scale_checks,
    shape_checks,
)
from tflite_tools.delegates.vocabulary import CHECKS
from tflite_tools.errors import ToolError

NNAPI_LEVELS = range(27, 32)
DELEGATES = (
    "xnnpack",
    "gpu-opencl",
    "gpu-opengl",
    *(f"nnapi-{level}" for level in NNAPI_LEVELS),
    "hexagon",
    "qnn-htp",
)


@dataclass(frozen=True)
class Rule:
    """What a delegate asks of one kind of operator.

    Attributes:
        checks: The names of checks and their parameters, in the order in which they are made.
        source: Where that stands: a file and its lines.
    """

    checks: tuple[tuple[str, Any], ...]
    source: str


@dataclass(frozen=True)
class Rules:
    """What a delegate takes.

    Attributes:
        delegate: Its name.
        title: Its name for people.
        source: The repository and the commit of its source.
        by_op: The rules for each operator that it knows.
        common: What it asks of every operator.
        listed: Where the list of the operators stands that it knows; others are not taken.
        unpacks: Constants of these types it takes in place of what a DEQUANTIZE makes of them.
        unpacks_partly: Whether it takes such a DEQUANTIZE although other operators are refused.
        unpack_source: Where that stands.
        max_partitions: How many partitions it takes, the largest first; 0 for all.
        min_operators: How many operators a partition must have.
        static_shapes: Whether it fails as a whole on a tensor whose size is known only when the
            model runs.
        notes: What else to know of it, a sentence each.
    """

    delegate: str
    title: str
    source: str
    by_op: Mapping[str, tuple[Rule, ...]]
    common: tuple[Rule, ...]
    listed: str
    unpacks: tuple[str, ...]
    unpacks_partly: bool
    unpack_source: str
    max_partitions: int
    min_operators: int
    static_shapes: bool
    notes: tuple[str, ...]


@functools.cache
def load_rules(delegate: str) -> Rules:
    """The rules of a delegate.

    Args:
        delegate: One of `DELEGATES`; NNAPI's name ends with Android's API level.

    Raises:
        ToolError: There is no such delegate.
    """
    if delegate not in DELEGATES:
        raise ToolError(f"delegate {delegate!r} is unknown; there are {', '.join(DELEGATES)}.")
    name, _, level = delegate.partition("-")
    if name == "nnapi":
        return _parse(delegate, _table("nnapi"), int(level))
    table = _table(delegate.replace("-", "_"))
    if "extends" in table:
        return _extended(load_rules(table["extends"]), _parse(delegate, table, 0))
    return _parse(delegate, table, 0)


def _table(name: str) -> dict[str, Any]:
    path = resources.files("tflite_tools.delegates") / "rules" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _extended(base: Rules, own: Rules) -> Rules:
    """The rules of a delegate that asks for more than another one does."""
    by_op = dict(base.by_op)
    for op, rule in own.by_op.items():
        by_op[op] = (*by_op.get(op, ()), *rule)
    return replace(
        base,
        delegate=own.delegate,
        title=own.title,
        by_op=by_op,
        common=(*base.common, *own.common),
        notes=(*base.notes, *own.notes),
    )


def _parse(delegate: str, table: dict[str, Any], level: int) -> Rules:
    file, types = table["file"], table.get("types", {})
    by_op = {
        op: (Rule(_checks(rule, types, level), f"{rule.get('file', file)}:{rule['lines']}"),)
        for rule in table["rules"]
        for op in rule["ops"]
    }
    listed = f"{table.get('listed_file', file)}:{table.get('listed', '')}"
    common = table.get("common", {"lines": ""})
    return Rules(
        delegate=delegate,
        title=table["title"].format(level=level),
        source=f"{table['repository']}@{table['commit']}",
        by_op=by_op,
        common=(
            Rule(_checks(common, types, level), f"{common.get('file', file)}:{common['lines']}"),
        ),
        listed=listed,
        unpacks=tuple(table.get("unpacks", ())),
        unpacks_partly=table.get("unpacks_partly", False),
        unpack_source=f"{table.get('unpack_file', file)}:{table.get('unpack_lines', '')}",
        max_partitions=table.get("max_partitions", 0),
        min_operators=table.get("min_operators", 1),
        static_shapes=table.get("static_shapes", False),
        notes=tuple(table.get("notes", ())),
    )


def _checks(
    rule: dict[str, Any], types: dict[str, list[str]], level: int
) -> tuple[tuple[str, Any], ...]:
    """The checks of a rule, and those that hold below an API level that is not reached."""
    found = [item for item in rule.items() if item[0] in CHECKS]
    for limit, below in rule.get("below", {}).items():
        if level < int(limit):
            found += below.items()
    return tuple((name, _with_types(parameter, types)) for name, parameter in found)


def _with_types(parameter: Any, types: dict[str, list[str]]) -> Any:
    """A parameter in which the name of a group of types stands for the types."""
    if isinstance(parameter, str):
        return types.get(parameter, parameter)
    if isinstance(parameter, dict):
        return {key: _with_types(value, types) for key, value in parameter.items()}
    return parameter
