"""What a training yields."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one seed; the attributes are those of `runs.Run`."""

    seed: int
    parameters: int
    loss: list[float]
    top1: list[float]
    images_per_second: float
    step_mib: float | None = None
    at_once: int = 1
