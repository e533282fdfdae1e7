"""What conversion, evaluation and inference cost, each beside what it is compared with."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from training_cost.plan import SMOKE_NETWORK
from training_cost.variants import build as build_variant

import keras_finet
import tflite_tools
from tflite_tools.converter import tflite_contents
from tflite_tools.graph_spec import build, describe
from tflite_tools.quiet import silenced

RUNS_IN_A_ROW = 20
SMOKE_SIDE = 32


@dataclasses.dataclass(frozen=True)
class Cost:
    """One comparison.

    Attributes:
        what: What was timed.
        against: What it is compared with.
        seconds: The median of what was timed.
        against_seconds: The median of what it is compared with.
        ratio: The median of the rounds' ratios, as the goal is stated.
        quartiles: The quartiles of these ratios.
        goal: What the ratio should be.
        reached: Whether it is.
    """

    what: str
    against: str
    seconds: float
    against_seconds: float
    ratio: float
    quartiles: tuple[float, float]
    goal: str
    reached: bool


def costs(*, smoke: bool, rounds: int) -> list[Cost]:
    """All comparisons, on FinetLarge at 224×224, or in a smoke run on a small network."""
    model = build_variant(SMOKE_NETWORK, "g4", SMOKE_SIDE) if smoke else keras_finet.FinetLarge()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fused = keras_finet.fuse(model)
        static = build(describe(fused), batch_size=1)
        bare = folder / "bare.tflite"
        bare.write_bytes(bare_content(static))
        tflite_tools.convert(model, folder, name="ours")
        ours = folder / "ours_float32.tflite"
        shape = (64 if smoke else 1024, *model.input_shape[1:])
        samples = np.random.default_rng(0).random(shape, dtype="float32")
        outputs = np.zeros((len(samples), model.output_shape[-1]), "float32")

        def evaluated(workers: int) -> Callable[[], object]:
            return lambda: tflite_tools.evaluate(
                ours, samples, reference_outputs=outputs, workers=workers
            )

        return [
            compared(
                ("the fused model to its float32 file", lambda: ours_content(fused)),
                ("TFLiteConverter.from_keras_model on it", lambda: bare_content(static)),
                rounds,
                highest=1.3,
            ),
            compared(
                (
                    "convert(): fuse, convert, run the file, compare 32 samples",
                    lambda: tflite_tools.convert(model, folder, name="again"),
                ),
                ("TFLiteConverter.from_keras_model, nothing else", lambda: bare_content(static)),
                rounds,
                highest=1.3,
            ),
            compared(
                (f"evaluate() of {len(samples)} samples, two workers", evaluated(2)),
                ("one worker", evaluated(1)),
                rounds,
                highest=1 / 1.7,
            ),
            compared(
                ("inference of our file", runs_of(ours)),
                ("of the bare converter's", runs_of(bare)),
                5 * rounds,
                highest=1.02,
            ),
        ]


def ours_content(fused: keras.Model) -> bytes:
    (content,) = tflite_contents(describe(fused), ["float32"])
    return content


def bare_content(model: keras.Model) -> bytes:
    with silenced():
        import tensorflow as tf

        return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def runs_of(file: Path) -> Callable[[], object]:
    from tflite_tools.interpreter import LiteModel

    model = LiteModel(file, num_threads=1)
    noise = np.random.default_rng(0).normal(size=(1, *model.sample_shape)).astype("float32")
    model.load(noise)

    def run() -> None:
        for _ in range(RUNS_IN_A_ROW):
            model.invoke()

    return run


def compared(
    one: tuple[str, Callable[[], object]],
    other: tuple[str, Callable[[], object]],
    rounds: int,
    *,
    highest: float,
) -> Cost:
    """Times two functions in turns, the first of a round alternating, after one untimed run."""
    tasks = [one, other]
    for _, task in tasks:
        task()
    times = np.empty((rounds, 2))
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            started = time.perf_counter()
            tasks[index][1]()
            times[turn, index] = time.perf_counter() - started
    ratios = times[:, 0] / times[:, 1]
    ratio = float(np.median(ratios))
    return Cost(
        one[0],
        other[0],
        *(float(median) for median in np.median(times, axis=0)),
        ratio,
        tuple(float(each) for each in np.percentile(ratios, [25, 75])),
        f"≤ {highest:.2f}",
        ratio <= highest,
    )
