"""Which layers `where` selects."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

import keras

from keras_finet.planning import KEEP, Plan

Where = Callable[[keras.layers.Layer], Any] | Iterable[str] | None


class Selection:
    """What a user's `where` selects: layers by a function of them, by name, or all.

    Args:
        where: The function, the names, or None for all.
        what: How messages call the layers that there are to select.
        done: How they call what is done with them.
        listed_by: What a user prints to see them.

    Raises:
        ValueError: if `where` is none of these.
    """

    def __init__(self, where: Where, *, what: str, done: str, listed_by: str) -> None:
        self._what, self._done, self._listed_by = what, done, listed_by
        self._predicate: Callable[[keras.layers.Layer], Any] | None = None
        self._names: tuple[str, ...] | None = None
        if callable(where):
            self._predicate = where
        elif where is not None:
            self._names = _checked_names(where)

    def __call__(self, path: str, layer: keras.layers.Layer) -> bool:
        """Tells whether the layer at `path` is selected."""
        if self._predicate is not None:
            return bool(self._predicate(layer))
        return self._names is None or path in self._names

    def check(self, plan: Plan) -> None:
        """Raises ValueError if a given name is not in `plan`, or stays there."""
        decisions = {decision.layer: decision for decision in plan.all_decisions()}
        for name in self._names or ():
            if name not in decisions:
                raise ValueError(
                    f"Expected `where` to name {self._what} of {plan.model!r}. Received: {name!r}, "
                    f"which is none of them. {_hint(name, list(decisions))}"
                    f"`print({self._listed_by})` lists all of them."
                )
            if decisions[name].action == KEEP:
                raise ValueError(
                    f"Expected `where` to name {self._what} that can be {self._done}. Received: "
                    f"{name!r}, which stays as it is: {decisions[name].detail}. Leave it out."
                )


def _checked_names(where: Any) -> tuple[str, ...]:
    if not isinstance(where, str) and isinstance(where, Iterable):
        names = tuple(where)
        if all(isinstance(name, str) for name in names):
            return names
        where = names
    raise ValueError(
        "Expected `where` to be a function of a layer, a list of names of layers, or None. "
        f"Received: {where!r}"
    )


def _hint(name: str, paths: list[str]) -> str:
    nested = [path for path in paths if path.split("/")[-1] == name]
    meant = nested or difflib.get_close_matches(name, paths)
    return f"Did you mean {meant}? " if meant else ""
