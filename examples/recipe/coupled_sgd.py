"""Stochastic gradient descent as PyTorch has it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from recipe.coupled_decay import CoupledDecayOptimizer


@keras.saving.register_keras_serializable("keras_finet.examples")
class CoupledSGD(CoupledDecayOptimizer):
    """SGD with momentum and L2 weight decay that is part of the gradient.

    As `torch.optim.SGD`: `d = gradient + weight_decay · w`, `v = momentum · v + d`,
    `w = w − learning_rate · v`. It differs from `keras.optimizers.SGD` in two ways: there
    `weight_decay` shrinks the weights apart from the momentum, and the velocity holds the learning
    rates of earlier steps. All variables decay, those of normalisations and biases included.

    Args:
        learning_rate: A number or a schedule.
        momentum: Share of the velocity that is kept in a step.
        weight_decay: Factor of the weights in the gradient.
        name: Of the optimizer.
        **options: As every Keras optimizer takes them, except for `weight_decay`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.1,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        name: str = "coupled_sgd",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, name, **options)
        self.momentum = momentum

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        velocity = self.velocities[self._get_variable_index(variable)]
        learning_rate, momentum = (
            ops.cast(factor, variable.dtype) for factor in (learning_rate, self.momentum)
        )
        moved = momentum * velocity + self.decayed(gradient, variable)
        self.assign(velocity, moved)
        self.assign_sub(variable, learning_rate * moved)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}
