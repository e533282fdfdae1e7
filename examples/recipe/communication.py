"""How much the replicas of a `tf.distribute` strategy tell each other in a training step.

A gradient is added up once for each parameter. Beside it a synchronised normalisation adds up its
statistics, in the forward pass and again for their gradient; with C channels, G groups and F
filters, Keras' reduction of a mean being three vectors (sum, sum of squares, count), of which a
`BatchNormalization` gets both of its moments:

    BatchNormalization        3 C floats forward           2 C backward
    FineGrainedBatchNorm 1x1  3 (C + G F)                  3 (G F + F)
    FineGrainedBatchNorm kxk  6 G F                        6 G F
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import keras

import keras_finet

BYTES = 4  # of a float32
MEGA = 10**6


@dataclasses.dataclass(frozen=True)
class Reductions:
    """What is added up over the replicas in a step.

    Attributes:
        gradients: Floats of gradients.
        statistics: Floats of statistics and their gradients.
        calls: Number of reductions of statistics, each of which waits for the one before.
    """

    gradients: int
    statistics: int
    calls: int

    def __str__(self) -> str:
        return (
            f"a step adds up {BYTES * self.gradients / MEGA:.2f} MB of gradients and "
            f"{BYTES * self.statistics / MEGA:.2f} MB of statistics in {self.calls} reductions"
        )


def reductions(model: Any) -> Reductions:
    """Counts what a training step of a model with synchronised statistics adds up."""
    floats, calls = zip(*(_of(layer) for layer in _layers(model)), strict=True)
    gradients = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Reductions(gradients, sum(floats), sum(calls))


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else (layer,)


def _of(layer: Any) -> tuple[int, int]:
    """Floats and reductions of one layer."""
    if not getattr(layer, "synchronized", False) or not layer.trainable:
        return 0, 0
    if isinstance(layer, keras_finet.FineGrainedBatchNorm):
        groups, filters = layer.moving_variance.shape
        if layer.kernel_size == (1, 1):
            return 3 * (layer.kernel.shape[2] + 2 * groups * filters + filters), 12
        return 12 * groups * filters, 12 * groups
    return 5 * layer.moving_mean.shape[0], 5
