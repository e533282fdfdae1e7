"""What `fuse` will do to a model, and why not more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import ClassVar

import keras

from keras_finet.fusion.dead_channels import find_dead_channels
from keras_finet.fusion.expand import expand
from keras_finet.fusion.rules import (
    DROPOUTS,
    check_removable,
    check_replaceable,
    find_convolution,
)
from keras_finet.graph import Graph, Operation, Source, has_graph
from keras_finet.layers import Foldable, FoldableConvolution
from keras_finet.layers.dead_channels import Mask
from keras_finet.pairs import check_inference_calls, refuse_wrapped
from keras_finet.planning import ENTER, Decision, Plan, RefusalError, Rule, decide
from keras_finet.table import text_table


@dataclass
class FusionPlan(Plan):
    """What `fuse` does to a model, layer by layer; `print` shows it as a table.

    Attributes:
        model: Name of the model.
        decisions: A `Decision` for every foldable layer, normalisation and dropout, in the order
            of the graph. Actions: `"replace"` (a foldable layer becomes stock layers), `"fold"` (a
            normalisation or a rescaling goes into a layer before it), `"remove"` (identity in
            inference) and `"keep"`. A layer that becomes several is followed by what happens to
            those.
        chains: For every layer that becomes another, the layers folded into it, by name.
        shifted: Names of sums that have an offset added already which comes after them in the
            original, as it was folded into a summand.
        removed: Names of the layers that vanish.
        dead_channels: For every normalising layer with dead channels, which they are, by name: a
            boolean array shaped as its moving variance, `(groups, filters)` in a fine-grained one.
            `fuse` keeps them unless it is told to drop them.
        nested: Plans of the models inside the model, by name.
    """

    heading: ClassVar[str] = "Fusion plan"

    chains: dict[str, list[str]] = field(default_factory=dict)
    shifted: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    dead_channels: dict[str, Mask] = field(default_factory=dict)

    def all_dead_channels(self) -> Iterator[tuple[str, Mask]]:
        """Yields the dead channels of this model and then, with their paths, of the nested ones."""
        yield from self.dead_channels.items()
        for name, plan in self.nested.items():
            for layer, dead in plan.all_dead_channels():
                yield f"{name}/{layer}", dead

    @property
    def dead_channel_count(self) -> int:
        """Number of dead channels, those of nested models included."""
        return sum(int(dead.sum()) for _, dead in self.all_dead_channels())

    def __str__(self) -> str:
        decisions = super().__str__()
        rows = [(layer, int(dead.sum()), dead.size) for layer, dead in self.all_dead_channels()]
        if not rows:
            return decisions
        title = f"Dead channels, kept unless drop_dead_channels is set: {self.dead_channel_count}"
        return f"{decisions}\n\n{text_table(title, ('layer', 'dead', 'of'), rows)}"


def plan_fusion(model: keras.Model, *, fold_batch_norm: bool = True) -> FusionPlan:
    """Lists what `fuse` will replace, fold and remove, and what it will not and why.

    Args:
        model: A functional or a built Sequential model. It is not changed.
        fold_batch_norm: As in `fuse`.

    Returns:
        A `FusionPlan`; `print` it, or read its `decisions`.

    Raises:
        ValueError: if `model` is neither functional nor Sequential.
    """
    return _Planner(model, fold_batch_norm).plan()


class _Planner:
    def __init__(self, model: keras.Model, fold_batch_norm: bool) -> None:
        expansion = expand(model)
        self.expanded = expansion.decisions
        self.graph = Graph(expansion.model)
        self.result = FusionPlan(model.name)
        self.fold_batch_norm = fold_batch_norm
        # What takes the place of a vanished layer's output.
        self.origins: dict[Source, Source] = {}

    def plan(self) -> FusionPlan:
        self.result.decisions.extend(self._in_order(decide(self.graph, self._rule_for)))
        self.result.dead_channels.update(find_dead_channels(self.graph, self.result.chains))
        return self.result

    def _in_order(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Sorts what is decided on layers of the expanded graph in between the expansions."""
        order = {name: index for index, name in enumerate(self.graph.operations)}
        places = [(order[name], decision) for name, decision in self.expanded.items()]
        places += [(order[decision.layer], decision) for decision in decisions]
        return [decision for _, decision in sorted(places, key=itemgetter(0))]

    def _rule_for(self, operation: Operation) -> Rule | None:
        if has_graph(operation):
            return self._enter
        if isinstance(operation, FoldableConvolution):
            return self._replace
        if self.fold_batch_norm and isinstance(operation, DROPOUTS):
            return self._remove
        if self.fold_batch_norm and isinstance(operation, keras.layers.BatchNormalization):
            return self._fold
        if self.fold_batch_norm and isinstance(operation, keras.layers.Rescaling):
            return self._fold if self._folds(operation) else None
        if isinstance(operation, keras.layers.Wrapper):
            inner = operation.layer
            return refuse_wrapped if isinstance(inner, Foldable) or has_graph(inner) else None
        return None

    def _enter(self, model: Operation) -> tuple[str, str]:
        check_inference_calls(model, self.graph)
        self.result.nested[model.name] = plan_fusion(model, fold_batch_norm=self.fold_batch_norm)
        return ENTER, "its own plan"

    def _replace(self, layer: Operation) -> tuple[str, str]:
        check_replaceable(layer, self.graph)
        self.result.chains[layer.name] = []
        stock = layer.stock_layers(layer.input.shape)
        return "replace", ", ".join(type(each).__name__ for each in stock)

    def _folds(self, layer: Operation) -> bool:
        """Tells whether `layer` folds: of those that do not, most stand at a network's input."""
        try:
            find_convolution(layer, self.graph, self.origins)
        except RefusalError:
            return False
        return True

    def _remove(self, layer: Operation) -> tuple[str, str]:
        check_removable(layer, self.graph)
        self._vanish(layer)
        return "remove", "identity in inference"

    def _fold(self, layer: Operation) -> tuple[str, str]:
        convolution, addition = find_convolution(layer, self.graph, self.origins)
        if addition is not None:
            self.result.shifted.add(addition)
        self.result.chains.setdefault(convolution, []).append(layer.name)
        self._vanish(layer)
        return "fold", convolution

    def _vanish(self, layer: Operation) -> None:
        self.result.removed.add(layer.name)
        for call in self.graph.calls_of(layer.name):
            self.origins[call.source] = call.inputs[0]
