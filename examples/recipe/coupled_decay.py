"""What the optimizers that decay weights as PyTorch's do have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class CoupledDecayOptimizer(keras.optimizers.Optimizer):
    """An optimizer whose L2 weight decay is part of the gradient: `gradient + weight_decay · w`.

    All variables decay, those of normalisations and biases included, but for layers that are named.

    Args:
        learning_rate: A number or a schedule.
        weight_decay: Factor of the weights in the gradient.
        name: Of the optimizer.
        without_decay: Names of layers whose variables do not decay.
        **options: As every Keras optimizer takes them, except for `weight_decay`.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float,
        name: str,
        without_decay: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.coupled_weight_decay = weight_decay
        self.without_decay = tuple(without_decay)

    def build(self, variables: list[keras.Variable]) -> None:
        layers = [variable.path.split("/")[:-1] for variable in variables]
        self.decays = [{*self.without_decay}.isdisjoint(names) for names in layers]
        super().build(variables)

    def decayed(self, gradient: Any, variable: keras.Variable) -> Any:
        """The gradient, in the variable's own precision, with the decay's part."""
        if not self.decays[self._get_variable_index(variable)]:
            return ops.cast(gradient, variable.dtype)
        decay = ops.cast(self.coupled_weight_decay, variable.dtype)
        return ops.cast(gradient, variable.dtype) + decay * variable

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Leaves the weights as they are.

        Keras calls this at the end of every `fit`, to put averages in their place. A recipe calls
        `fit` once an epoch; it asks for the averages at the very end.
        """

    def use_averages(self, variables: list[keras.Variable]) -> None:
        """Puts the moving averages (`use_ema=True`) in the place of the weights.

        Keras takes them before it applies a constraint, so that they do not meet it by themselves.
        """
        super().finalize_variable_values(variables)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "weight_decay": self.coupled_weight_decay,
            "without_decay": list(self.without_decay),
        }
