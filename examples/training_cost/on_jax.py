"""Synchronisation, memory and FLOPs on JAX, which has no fused batch normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras

VERSION = jax.__version__
JIT_COMPILE = True
fused_batch_norm = None


def gpu_name() -> str | None:
    return jax.devices()[0].device_kind if jax.default_backend() == "gpu" else None


def synchronize(model: keras.Model) -> None:
    variables = (*model.variables, *model.optimizer.variables)
    jax.block_until_ready([variable.value for variable in variables])


def allocated_peak_bytes(step: Callable[[], object]) -> int | None:
    """JAX cannot reset the peak: it is that of the process, compilation and warm-up included."""
    device = jax.devices()[0]
    before = device.memory_stats()
    if before is None:  # on a CPU
        return None
    step()
    return device.memory_stats()["peak_bytes_in_use"] - before["bytes_in_use"]


def gradient_flops(
    model: keras.Model, loss: Callable[[Any, Any], Any], images: Any, labels: Any
) -> float | None:
    """Counts the operations of the program before XLA optimises it; the body of a loop once."""
    trainable = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]

    def stateless_loss(trainable: Any, state: Any, images: Any, labels: Any) -> Any:
        outputs, state = model.stateless_call(trainable, state, images, training=True)
        return loss(labels, outputs), state

    gradient = jax.jit(jax.grad(stateless_loss, has_aux=True))
    return float(gradient.lower(trainable, state, images, labels).cost_analysis()["flops"])
