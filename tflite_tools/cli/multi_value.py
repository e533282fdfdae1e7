"""Options that take several values: `--precision float32 int8`."""

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperCommand

from tflite_tools.errors import ToolError

_MODEL_SUFFIXES = (".keras", ".tflite")


class MultiValueCommand(TyperCommand):
    """A command whose repeatable options also take several values after one name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Expands the arguments before Typer's own parsing."""
        repeatable = {
            option
            for parameter in self.params
            if getattr(parameter, "multiple", False)
            for option in parameter.opts
        }
        return super().parse_args(ctx, list(_expanded(args, repeatable)))


def as_mapping(values: Iterable[str], option: str) -> dict[str, str]:
    """What the values `KEY=TEXT` of an option say."""
    pairs = [value.partition("=") for value in values]
    if unclear := next((key for key, equals, _ in pairs if not equals), None):
        raise ToolError(f"{option}: expected KEY=TEXT, got {unclear}.")
    return {key: text for key, _, text in pairs}


def _expanded(args: Iterable[str], repeatable: set[str]) -> Iterator[str]:
    """Repeats the option's name before each of its values.

    A model's file name ends the values: it is the argument that stands after them.
    """
    option: str | None = None
    first = False
    for arg in args:
        if arg.startswith("-"):
            name, equals, _ = arg.partition("=")
            option = name if name in repeatable else None
            first = not equals
        elif arg.endswith(_MODEL_SUFFIXES):
            option = None
        elif option is not None and not first:
            yield option
        else:
            first = False
        yield arg
