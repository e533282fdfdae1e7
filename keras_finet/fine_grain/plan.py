"""What `fine_grain` will do to a model, and why not more."""

from dataclasses import dataclass, field
from typing import ClassVar

import keras

from keras_finet.fine_grain.rules import (
    CONVOLUTIONS,
    check_convolution,
    check_leftover,
    find_normalization,
    may_hold_convolutions,
    reads_convolution,
    refuse_fine_grained,
    refuse_opaque,
)
from keras_finet.graph import Graph, Operation, as_functional, has_graph
from keras_finet.layers import FineGrainedBatchNorm
from keras_finet.layers.arguments import positive_integer
from keras_finet.layers.fine_grained_batch_norm import DEFAULT_GROUPS
from keras_finet.pairs import check_inference_calls, refuse_wrapped
from keras_finet.planning import ENTER, Plan, RefusalError, Rule, decide
from keras_finet.selection import Selection, Where


@dataclass
class FineGrainPlan(Plan):
    """What `fine_grain` does to a model, layer by layer; `print` shows it as a table.

    Attributes:
        model: Name of the model.
        decisions: A `Decision` for every convolution, fine-grained ones included, and for every
            normalisation that does not follow one, in the order of the graph. Actions: `"convert"`
            (convolution and normalisation become one `FineGrainedBatchNorm`) and `"keep"`.
        groups: Number of groups of input channels.
        pairs: For every convolution that is converted, the normalisation behind it, by name.
        nested: Plans of the models inside the model, by name.
    """

    heading: ClassVar[str] = "Fine-graining plan"

    groups: int = DEFAULT_GROUPS
    pairs: dict[str, str] = field(default_factory=dict)

    @property
    def converts(self) -> bool:
        """Whether anything is converted at all."""
        return bool(self.pairs) or any(plan.converts for plan in self.nested.values())


def plan_fine_grain(
    model: keras.Model, groups: int = DEFAULT_GROUPS, where: Where = None
) -> FineGrainPlan:
    """Lists what `fine_grain` will convert, and what it will not and why.

    Args:
        model: A functional or a built Sequential model. It is not changed.
        groups: As in `fine_grain`.
        where: As in `fine_grain`.

    Returns:
        A `FineGrainPlan`; `print` it, or read its `decisions`.

    Raises:
        ValueError: if `model` is neither functional nor Sequential, `groups` is no positive
            integer, or `where` names a layer that is not there or cannot be converted.
    """
    groups = positive_integer("groups", groups)
    selection = Selection(
        where, what="convolutions", done="converted", listed_by="plan_fine_grain(model)"
    )
    plan = _Planner(as_functional(model), groups, selection, path="").plan()
    selection.check(plan)
    return plan


class _Planner:
    def __init__(self, model: keras.Model, groups: int, selects: Selection, path: str) -> None:
        self.graph = Graph(model)
        self.result = FineGrainPlan(model.name, groups=groups)
        self.selects = selects
        self.path = path

    def plan(self) -> FineGrainPlan:
        self.result.decisions.extend(decide(self.graph, self._rule_for))
        return self.result

    def _rule_for(self, operation: Operation) -> Rule | None:
        if has_graph(operation):
            return self._enter
        if isinstance(operation, CONVOLUTIONS):
            return self._convert
        if isinstance(operation, keras.layers.BatchNormalization):
            return None if reads_convolution(operation, self.graph) else self._leave
        if isinstance(operation, FineGrainedBatchNorm):
            return refuse_fine_grained
        if isinstance(operation, keras.layers.Wrapper):
            inner = operation.layer
            return refuse_wrapped if isinstance(inner, CONVOLUTIONS) or has_graph(inner) else None
        return refuse_opaque if may_hold_convolutions(operation) else None

    def _enter(self, model: Operation) -> tuple[str, str]:
        check_inference_calls(model, self.graph)
        path = f"{self.path}{model.name}/"
        planner = _Planner(as_functional(model), self.result.groups, self.selects, path)
        self.result.nested[model.name] = planner.plan()
        return ENTER, "its own plan"

    def _convert(self, layer: Operation) -> tuple[str, str]:
        groups = self.result.groups
        check_convolution(layer, groups)
        normalization = find_normalization(layer, self.graph)
        if not self.selects(self.path + layer.name, layer):
            raise RefusalError("`where` does not select it")
        self.result.pairs[layer.name] = normalization.name
        detail = f"FineGrainedBatchNorm(groups={groups}) with {normalization.name!r}"
        if groups > 1 and not normalization.scale:
            detail += f"; without gamma, training starts {groups**0.5:.1f} times larger"
        return "convert", detail

    def _leave(self, normalization: Operation) -> tuple[str, str]:
        return check_leftover(normalization, self.graph)
