"""The records that a description consists of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

AnyArray = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Reference:
    """A tensor of the graph.

    Attributes:
        node: The name of the node, or of the graph's input, that makes it.
        call: Which of that node's calls.
        output: Which of that call's outputs, in flattened order.
    """

    node: str
    call: int = 0
    output: int = 0


@dataclass(frozen=True)
class Call:
    """The arguments of one call: JSON values as Keras serialises them, tensors as `Reference`s.

    Attributes:
        args: The positional arguments, nested as in the call.
        kwargs: The keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def inputs(self) -> tuple[Reference, ...]:
        """All tensors among the arguments, in flattened order."""
        return tuple(_references([self.args, dict(self.kwargs)]))


@dataclass(frozen=True, eq=False)
class Node:
    """A layer, or a bare Keras operation, and every call of it.

    Attributes:
        name: Unique in the graph, and fit for TensorFlow.
        class_name: Its class, such as "Conv2D".
        module: Where Keras finds the class, such as "keras.layers".
        registered_name: What the class is registered as, if it is not a public one of Keras.
        config: What `from_config` of the class takes, without what only training uses.
        weights: What `set_weights` takes.
        calls: Several for a shared layer.
    """

    name: str
    class_name: str
    module: str
    registered_name: str | None
    config: Mapping[str, Any]
    weights: tuple[AnyArray, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class GraphInput:
    """An input of the graph.

    Attributes:
        name: Unique in the graph, and fit for TensorFlow.
        shape: The shape of one sample, without the batch axis.
        dtype: Such as "float32".
        batch_size: The static batch size that the model was made for, if it was for one.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    batch_size: int | None = None


@dataclass(frozen=True, eq=False)
class GraphSpec:
    """A graph of layers with weights; models inside the model are part of it.

    Attributes:
        name: The model's name, fit for TensorFlow.
        inputs: In the model's order.
        nodes: In the order of their first calls: each call reads inputs and earlier calls.
        outputs: In the model's order.
    """

    name: str
    inputs: tuple[GraphInput, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Reference, ...]


def mapped(value: Any, replace: Callable[[Any], Any]) -> Any:
    """A copy of a nested JSON value in which `replace` has its way.

    Args:
        value: Dictionaries, lists, tuples and leaves.
        replace: Function of every part, outermost first, that returns what stands in its place,
            or the part itself to go on inside it.
    """
    new = replace(value)
    if new is not value:
        return new
    if isinstance(value, Mapping):
        return {key: mapped(item, replace) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, replace) for item in value)
    return value


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)
