"""Which images of each batch a process makes, where several train together."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Share:
    """Equal parts of each batch, one after another, a process each.

    Attributes:
        index: Which part is this process's.
        count: How many parts there are.
    """

    index: int = 0
    count: int = 1

    def size(self, batch_size: int) -> int:
        """Number of images of a batch that are this process's."""
        return batch_size // self.count

    def of(self, numbered: Any, batch_size: int) -> Any:
        """This process's records.

        Args:
            numbered: A `tf.data.Dataset` of (number, record), counted from a batch's first record.
            batch_size: Of the batches of all processes together.
        """
        if self.count == 1:
            return numbered
        size = self.size(batch_size)
        return numbered.filter(lambda number, _: number % batch_size // size == self.index)


WHOLE = Share()
