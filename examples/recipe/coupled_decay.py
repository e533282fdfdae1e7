"""What the optimizers that decay weights as PyTorch's do have in common."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class CoupledDecayOptimizer(keras.optimizers.Optimizer):
    """An optimizer whose L2 weight decay is part of the gradient: `gradient + weight_decay · w`.

    All variables decay, those of normalisations and biases included.

    Args:
        learning_rate: A number or a schedule.
        weight_decay: Factor of the weights in the gradient.
        name: Of the optimizer.
        **options: As every Keras optimizer takes them, except for `weight_decay`.
    """

    def __init__(self, learning_rate: Any, weight_decay: float, name: str, **options: Any) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.coupled_weight_decay = weight_decay

    def decayed(self, gradient: Any, variable: keras.Variable) -> Any:
        """The gradient, in the variable's own precision, with the decay's part."""
        decay = ops.cast(self.coupled_weight_decay, variable.dtype)
        return ops.cast(gradient, variable.dtype) + decay * variable

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Leaves the weights as they are.

        Keras calls this at the end of every `fit`, to put averages in their place. A recipe calls
        `fit` once an epoch; it asks for the averages at the very end.
        """

    def use_averages(self, variables: list[keras.Variable]) -> None:
        """Puts the moving averages (`use_ema=True`) in the place of the weights."""
        super().finalize_variable_values(variables)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight_decay": self.coupled_weight_decay}
