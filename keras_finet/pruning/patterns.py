"""Which weights of a kernel stay: masks by magnitude, in NumPy."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
_N_OF_M = re.compile(r"([1-9][0-9]*):([1-9][0-9]*)")


class Pattern(Protocol):
    """A rule for how many of a kernel's weights go, and which."""

    def mask(self, kernel: NDArray[Any], progress: float) -> Mask:
        """Returns where `kernel`, of shape `(..., in_channels, filters)`, keeps its weights.

        Args:
            kernel: The weights as they are.
            progress: How much of the pruning is done, from 0 to 1.
        """
        ...


@dataclass(frozen=True)
class Share:
    """The smallest `share` of a kernel's weights go, wherever they are."""

    share: float

    def mask(self, kernel: NDArray[Any], progress: float) -> Mask:
        """Drops `round(share * progress * size)` weights."""
        dropped = round(self.share * progress * kernel.size)
        kept = np.ones(kernel.size, bool)
        kept[np.argsort(np.abs(kernel), axis=None, kind="stable")[:dropped]] = False
        return kept.reshape(kernel.shape)


@dataclass(frozen=True)
class NOfM:
    """Of every `m` weights in a row along the input channels the `n` largest stay.

    A last, shorter row keeps `n` as well: it counts as filled up with zeros.
    """

    n: int
    m: int

    def mask(self, kernel: NDArray[Any], progress: float) -> Mask:
        """Drops `round((m - n) * progress)` weights of each row."""
        dropped = round((self.m - self.n) * progress)
        channels = kernel.shape[-2]
        magnitudes = np.moveaxis(np.abs(kernel), -2, -1)
        filled = [(0, 0)] * (magnitudes.ndim - 1) + [(0, -channels % self.m)]
        rows = np.pad(magnitudes, filled).reshape(*magnitudes.shape[:-1], -1, self.m)
        kept = np.ones(rows.shape, bool)
        smallest = np.argsort(rows, axis=-1, kind="stable")[..., :dropped]
        np.put_along_axis(kept, smallest, False, axis=-1)
        kept = kept.reshape(*magnitudes.shape[:-1], -1)[..., :channels]
        return np.moveaxis(kept, -1, -2)


def read_pattern(sparsity: Any) -> Pattern:
    """Returns the pattern that a user's `sparsity` means, a share or "n:m"."""
    found = _N_OF_M.fullmatch(sparsity) if isinstance(sparsity, str) else None
    if found and int(found[1]) < int(found[2]):
        return NOfM(int(found[1]), int(found[2]))
    is_number = isinstance(sparsity, int | float) and not isinstance(sparsity, bool)
    if is_number and 0 < sparsity < 1:
        return Share(float(sparsity))
    raise ValueError(
        "Expected `sparsity` to be a share between 0 and 1, or a pattern such as '2:4' (at most 2 "
        f"of 4 weights in a row stay). Received: {sparsity!r}"
    )
