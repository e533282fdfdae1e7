"""Adam as PyTorch has it."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from recipe.coupled_decay import CoupledDecayOptimizer


@keras.saving.register_keras_serializable("keras_finet.examples")
class CoupledAdam(CoupledDecayOptimizer):
    """Adam with L2 weight decay that is part of the gradient.

    As `torch.optim.Adam`, in step t: `d = gradient + weight_decay · w`,
    `m = beta_1 · m + (1 − beta_1) · d`, `v = beta_2 · v + (1 − beta_2) · d²`,
    `w = w − learning_rate · (m / (1 − beta_1^t)) / (√(v / (1 − beta_2^t)) + epsilon)`. It differs
    from `keras.optimizers.Adam` in two ways: there `weight_decay` shrinks the weights apart from
    the moments, and epsilon stands beside a √v without its correction.

    Args:
        learning_rate: A number or a schedule.
        beta_1: Share of the mean gradient that is kept in a step.
        beta_2: Share of the mean square that is kept in a step.
        epsilon: Of the denominator.
        weight_decay: Factor of the weights in the gradient.
        name: Of the optimizer.
        **options: As every Keras optimizer takes them, except for `weight_decay`.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        name: str = "coupled_adam",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, name, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.means = self.add_optimizer_variables(variables, "mean")
        self.squares = self.add_optimizer_variables(variables, "mean_square")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        gradient = self.decayed(gradient, variable)
        mean = self._moved(self.means[index], gradient, self.beta_1)
        square = self._moved(self.squares[index], ops.square(gradient), self.beta_2)
        deviation = ops.sqrt(square / self._weight_so_far(self.beta_2, dtype))
        step = mean / self._weight_so_far(self.beta_1, dtype)
        step = step / (deviation + ops.cast(self.epsilon, dtype))
        self.assign_sub(variable, ops.cast(learning_rate, dtype) * step)

    def _moved(self, average: keras.Variable, value: Any, kept: float) -> Any:
        """Moves an average, and returns what it has become."""
        moved = ops.cast(kept, average.dtype) * average + ops.cast(1 - kept, average.dtype) * value
        self.assign(average, moved)
        return moved

    def _weight_so_far(self, kept: float, dtype: Any) -> Any:
        """`1 − kept^t`, of which float32 would lose half of the digits in the first steps."""
        if kept == 0:
            return ops.ones((), dtype)
        step = ops.cast(self.iterations + 1, "float32")
        return ops.cast(-ops.expm1(step * math.log(kept)), dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
