"""The module that knows the framework behind Keras' backend."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol, cast

import keras


class Framework(Protocol):
    """What each `on_<backend>` module defines.

    Attributes:
        VERSION: The framework's version.
        JIT_COMPILE: The `jit_compile` that models are compiled with.
        fused_batch_norm: Function of a `BatchNormalization` layer and its inputs that applies the
            framework's own kernel in training, moving statistics included; None if it has none.
    """

    VERSION: str
    JIT_COMPILE: bool
    fused_batch_norm: Callable[[keras.layers.BatchNormalization, Any], Any] | None

    def gpu_name(self) -> str | None:
        """The GPU that the model is on, or None."""

    def synchronize(self, model: keras.Model) -> None:
        """Waits until everything that was asked of the model has been computed."""

    def allocated_peak_bytes(self, step: Callable[[], object]) -> int | None:
        """The most that the framework has allocated during a step, less what it held before.

        On the GPU if there is one. None, without taking the step, if it keeps no count.
        """

    def gradient_flops(
        self, model: keras.Model, loss: Callable[[Any, Any], Any], images: Any, labels: Any
    ) -> float | None:
        """Floating-point operations of a forward and backward pass, as the framework counts them.

        `loss` is a function of labels and outputs. None: the framework cannot see all of them.
        """


def framework() -> Framework:
    """Returns the module of the backend in use."""
    module = importlib.import_module(f"training_cost.on_{keras.backend.backend()}")
    return cast(Framework, module)
