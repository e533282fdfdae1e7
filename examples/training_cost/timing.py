"""Timing functions against each other on a machine whose speed changes."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Mapping

import numpy as np

SEED = 0


@dataclasses.dataclass
class Samples:
    """Milliseconds of each round: passed, and spent by all threads of the process."""

    wall_ms: list[float] = dataclasses.field(default_factory=list)
    cpu_ms: list[float] = dataclasses.field(default_factory=list)


def time_in_turns(
    functions: Mapping[str, Callable[[], None]], rounds: int, warm_up: int = 0
) -> tuple[dict[str, Samples], dict[str, Exception]]:
    """Calls every function once a round, each round in another order.

    A change in the machine's speed then meets all of them, so that the ratios within a round hold,
    and none always runs behind the same other one.

    Args:
        functions: What to call, by name.
        rounds: How many samples to take of each.
        warm_up: How many rounds go before them.

    Returns:
        The samples, and the errors of those that failed; they are left out from then on.
    """
    rng = np.random.default_rng(SEED)
    samples = {name: Samples() for name in functions}
    errors: dict[str, Exception] = {}
    for number in range(-warm_up, rounds):
        gc.collect()
        for name in rng.permutation(sorted(samples)):
            cpu, wall = time.process_time(), time.perf_counter()
            try:
                functions[name]()
            except Exception as error:
                errors[name] = error
                del samples[name]
                continue
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if number >= 0:
                samples[name].wall_ms.append(1000 * wall)
                samples[name].cpu_ms.append(1000 * cpu)
    return samples, errors
