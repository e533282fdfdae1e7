"""Files that take turns, so that a change in the machine's speed meets all of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflite_tools.interpreter import LiteModel

RUNS_PER_ROUND = 5

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Times:
    """How long one model took, in milliseconds.

    Attributes:
        wall: Of each run, `(rounds, RUNS_PER_ROUND)`.
        cpu: What the processor worked for a run, all threads together: the mean of each turn,
            `(rounds,)`.
    """

    wall: _Array
    cpu: _Array


def measure(
    models: Sequence[LiteModel], rounds: int, warmup: int, done: Callable[[int], None]
) -> list[Times]:
    """Times the models against each other.

    Args:
        models: Each is loaded with an input of its own.
        rounds: How many turns each gets.
        warmup: How many untimed runs each gets beforehand.
        done: Called with the index of a model after each of its turns.

    Returns:
        The times of each model.
    """
    for model in models:
        _prepare(model, warmup)
    times = [Times(np.empty((rounds, RUNS_PER_ROUND)), np.empty(rounds)) for _ in models]
    for turn in range(rounds):
        for index, model in enumerate(models):
            times[index].wall[turn], times[index].cpu[turn] = _timed_runs(model)
            done(index)
    return times


def _prepare(model: LiteModel, warmup: int) -> None:
    noise = np.random.default_rng(0).standard_normal((model.batch_size, *model.sample_shape))
    model.load(noise.astype(np.float32))
    for _ in range(warmup):
        model.invoke()


def _timed_runs(model: LiteModel) -> tuple[list[float], float]:
    """The milliseconds of each run of one turn, and those of the processor for a run."""
    # The first run finds another file in the caches, and the other's threads still waiting.
    model.invoke()
    milliseconds = []
    cpu = time.process_time_ns()
    for _ in range(RUNS_PER_ROUND):
        start = time.perf_counter_ns()
        model.invoke()
        milliseconds.append((time.perf_counter_ns() - start) / 1e6)
    return milliseconds, (time.process_time_ns() - cpu) / 1e6 / RUNS_PER_ROUND
