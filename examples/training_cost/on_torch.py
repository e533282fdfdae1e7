"""Synchronisation, memory, FLOPs and fused batch normalisation on PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch
from torch.utils.flop_counter import FlopCounterMode

VERSION = torch.__version__
JIT_COMPILE = False


def fused_batch_norm(layer: keras.layers.BatchNormalization, inputs: Any) -> Any:
    outputs = torch.nn.functional.batch_norm(
        inputs.permute(0, 3, 1, 2),
        layer.moving_mean.value,
        layer.moving_variance.value,
        layer.gamma.value,
        layer.beta.value,
        training=True,
        momentum=1.0 - layer.momentum,
        eps=layer.epsilon,
    )
    return outputs.permute(0, 2, 3, 1)


def gpu_name() -> str | None:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def synchronize(model: keras.Model) -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def allocated_peak_bytes(step: Callable[[], object]) -> int | None:
    if not torch.cuda.is_available():
        return None
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return torch.cuda.max_memory_allocated() - before


def gradient_flops(
    model: keras.Model, loss: Callable[[Any, Any], Any], images: Any, labels: Any
) -> float | None:
    """Counts the convolutions and matrix products of a pass that is really run."""
    formulas = {torch.ops.aten.convolution_backward: convolution_backward_flops}
    with FlopCounterMode(display=False, custom_mapping=formulas) as counter:
        loss(labels, model(images, training=True)).backward()
    model.zero_grad()
    return float(counter.get_total_flops())


def convolution_backward_flops(
    gradient: Sequence[int], inputs: Sequence[int], kernel: Sequence[int], *options: Any, **_: Any
) -> int:
    """PyTorch's own formula has the kernel's gradient of a grouped convolution `groups` times."""
    *_, (of_inputs, of_kernel, _) = options
    images, _, *pixels = gradient
    multiplications = images * math.prod(pixels) * math.prod(kernel)
    return 2 * multiplications * (of_inputs + of_kernel)
