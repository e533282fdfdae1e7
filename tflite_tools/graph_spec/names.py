"""Names that TensorFlow takes for scopes, where Keras takes any."""

import itertools
import re
from collections.abc import Container

_STARTS = re.compile(r"[A-Za-z0-9.]")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")


def fit_name(name: str) -> str:
    """The name itself, if TensorFlow takes it, or one like it that it does."""
    fit = _UNFIT.sub("_", name)
    return fit if _STARTS.match(fit) else f"layer{fit}"


def unused_name(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it if it is taken."""
    numbered = (f"{name}_{number}" for number in itertools.count(1))
    return next(each for each in itertools.chain([name], numbered) if each not in taken)
