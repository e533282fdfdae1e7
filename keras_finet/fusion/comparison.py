"""Two models layer by layer, behind steps from the same values."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_finet.fusion.observing import Array, Observed
from keras_finet.fusion.plan import FusionPlan, plan_fusion
from keras_finet.fusion.steps import find_steps, step_error, step_values


@dataclass(frozen=True)
class BehindSteps:
    """Two models that go on with the same values behind steps.

    Attributes:
        outputs: Both models' arrays of each output.
        turned: Part of the values behind steps that differ between the models.
        diverging: The first step that is not as near its input, and its error; None and None.
    """

    outputs: list[tuple[Array, Array]]
    turned: float
    diverging: tuple[str | None, float | None]


class Comparison:
    """A model and its fusion, layer by layer."""

    def __init__(self, model: keras.Model, fused: keras.Model, tolerance: float) -> None:
        self._plan = plan_fusion(model)
        self._original, self._fused = Observed(model), Observed(fused)
        self._tolerance = tolerance
        self.steps = find_steps(self._original, self._fused)

    def first_divergence(self, inputs: Any) -> tuple[str | None, float | None]:
        """Returns the first layer whose output differs by more than it may, and its error."""
        expected = self._all_layers(self._original, inputs, {})
        given = {name: expected[name] for name in self.steps}
        actual = self._all_layers(self._fused, inputs, given)
        for original, name in _counterparts(self._plan, expected, actual):
            if name in self.steps:
                error = self._step_error(name, actual[self.steps[name]], expected[name])
            else:
                error = relative_error_between(expected[original], actual[name])
            # Written so that NaN diverges.
            if not error <= self._tolerance:
                return name, error
        return None, None

    def behind_steps(self, batches: Iterable[Any]) -> BehindSteps:
        """Runs both models with the original's values behind steps."""
        ours = self._original.showing(list(self.steps), outputs=True)
        theirs = self._fused.showing(list(self.steps.values()), outputs=True, given=self.steps)
        outputs, turned, values = [], 0, 0
        diverging: tuple[str | None, float | None] = None, None
        for batch in batches:
            expected = ours(batch)
            count = len(expected) - len(self.steps)
            given = dict(zip(self.steps, expected[count:], strict=True))
            actual = theirs(batch, given)
            outputs.append((expected[:count], actual[:count]))
            for name, read in zip(self.steps, actual[count:], strict=True):
                step = self._fused.graph.operations[name]
                turned += int(np.count_nonzero(step_values(step, read) != given[name]))
                values += given[name].size
                error = self._step_error(name, read, given[name])
                if diverging[0] is None and not error <= self._tolerance:
                    diverging = name, error
        expected, actual = (
            [np.concatenate(arrays) for arrays in zip(*side, strict=True)]
            for side in zip(*outputs, strict=True)
        )
        return BehindSteps(list(zip(expected, actual, strict=True)), turned / values, diverging)

    def _step_error(self, name: str, read: Array, given: Array) -> float:
        return step_error(self._fused.graph.operations[name], read, given, self._tolerance)

    def _all_layers(
        self, observed: Observed, inputs: Any, given: Mapping[str, Array]
    ) -> dict[str, Array]:
        names = list(observed.layers)
        arrays = observed.showing(names, outputs=False, given=given)(inputs, given)
        return dict(zip(names, arrays, strict=True))


def _counterparts(
    plan: FusionPlan, originals: Collection[str], fused: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yields, in the order of the fused graph, layers of both models that have equal outputs."""
    for name in fused:
        folded = [layer for layer in plan.chains.get(name, []) if layer not in fused]
        counterpart = folded[-1] if folded else name
        if counterpart in originals and name not in plan.shifted:
            yield counterpart, name


def relative_error_between(expected: Array, actual: Array) -> float:
    """Returns the largest difference, as a part of the largest expected value."""
    error = float(np.max(np.abs(expected - actual)))
    scale = float(np.max(np.abs(expected)))
    return error / scale if scale else error
