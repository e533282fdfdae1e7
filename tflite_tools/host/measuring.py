"""Files that take turns, so that a change in the machine's speed meets all of them."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tflite_tools.interpreter import LiteModel

RUNS_PER_ROUND = 5

Times = npt.NDArray[np.float64]


def measure(
    models: Sequence[LiteModel], rounds: int, warmup: int, done: Callable[[int], None]
) -> Times:
    """Times the models against each other.

    Args:
        models: Each is loaded with an input of its own.
        rounds: How many turns each gets.
        warmup: How many untimed runs each gets beforehand.
        done: Called with the index of a model after each of its turns.

    Returns:
        Milliseconds of shape `(models, rounds, RUNS_PER_ROUND)`.
    """
    for model in models:
        _prepare(model, warmup)
    times = np.empty((len(models), rounds, RUNS_PER_ROUND))
    for turn in range(rounds):
        for index, model in enumerate(models):
            times[index, turn] = _timed_runs(model)
            done(index)
    return times


def _prepare(model: LiteModel, warmup: int) -> None:
    noise = np.random.default_rng(0).standard_normal((model.batch_size, *model.sample_shape))
    model.load(noise.astype(np.float32))
    for _ in range(warmup):
        model.invoke()


def _timed_runs(model: LiteModel) -> list[float]:
    """The milliseconds of each run of one turn."""
    # The first run finds another file in the caches, and the other's threads still waiting.
    model.invoke()
    milliseconds = []
    for _ in range(RUNS_PER_ROUND):
        start = time.perf_counter_ns()
        model.invoke()
        milliseconds.append((time.perf_counter_ns() - start) / 1e6)
    return milliseconds
