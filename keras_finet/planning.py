"""What a rewrite does to a model, layer by layer, decided before anything is rewritten."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Self

from keras_finet.graph import Graph, Operation
from keras_finet.table import text_table

# What a rule does to a layer and the detail of it, as in a `Decision`.
Rule = Callable[[Operation], tuple[str, str]]
ENTER = "enter"
KEEP = "keep"


class RefusalError(Exception):
    """A layer stays as it is; the message is the reason."""


@dataclass(frozen=True)
class Decision:
    """What happens to one layer.

    Attributes:
        layer: Name of the layer; in a nested model after the model's name and a slash.
        kind: Name of its class.
        action: What is done with it, as the plan's class lists; `"keep"` for a layer that stays.
        detail: What it becomes or goes into; for `"keep"` the reason.
    """

    layer: str
    kind: str
    action: str
    detail: str


@dataclass
class Plan:
    """What a rewrite does to a model, layer by layer; `print` shows it as a table.

    Attributes:
        model: Name of the model.
        decisions: A `Decision` for every layer that the rewrite has a rule for, in the order of the
            graph.
        nested: Plans of the models inside the model, by name.
    """

    heading: ClassVar[str] = "Plan"

    model: str
    decisions: list[Decision] = field(default_factory=list)
    nested: dict[str, Self] = field(default_factory=dict)

    def all_decisions(self) -> Iterator[Decision]:
        """Yields the decisions of this model and then, with their paths, of the nested ones."""
        yield from self.decisions
        for name, plan in self.nested.items():
            for decision in plan.all_decisions():
                path = f"{name}/{decision.layer}"
                yield Decision(path, decision.kind, decision.action, decision.detail)

    @property
    def refusals(self) -> list[Decision]:
        """The layers that stay although they are of a kind that the rewrite has a rule for."""
        return [decision for decision in self.all_decisions() if decision.action == KEEP]

    def __str__(self) -> str:
        rows = [(d.layer, d.kind, d.action, d.detail) for d in self.all_decisions()]
        counts = {action: sum(row[2] == action for row in rows) for _, _, action, _ in rows}
        summary = ", ".join(f"{count} {action}" for action, count in counts.items())
        title = f"{self.heading} of {self.model}: {summary or 'nothing to do'}"
        return text_table(title, ("layer", "class", "action", "into / because"), rows)


def decide(graph: Graph, rule_for: Callable[[Operation], Rule | None]) -> Iterator[Decision]:
    """Yields what the rules do to the layers of `graph`, one after another in its order.

    Args:
        graph: The graph of the model.
        rule_for: Function of a layer that returns its rule, or None for a layer that has none. A
            rule returns action and detail, or raises `RefusalError`; `ENTER` says that a nested
            model has a plan of its own.
    """
    for name, operation in graph.operations.items():
        rule = rule_for(operation)
        if rule is None:
            continue
        try:
            action, detail = rule(operation)
        except RefusalError as reason:
            action, detail = KEEP, str(reason)
        if action != ENTER:
            yield Decision(name, type(operation).__name__, action, detail)
