"""What the layers of a model give, also where some of them are told what to give."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_finet.graph import Graph, copy_model

Array = NDArray[Any]


def run(model: keras.Model, inputs: Any) -> list[Array]:
    """Returns the flattened outputs of `model` as float32 arrays."""
    outputs = keras.tree.flatten(model(inputs, training=False))
    return [ops.convert_to_numpy(ops.cast(output, "float32")) for output in outputs]


class Observed:
    """A copy of a model whose layers can be looked into.

    Attributes:
        layers: What every layer gives in its first call, by name, in the graph's order. Of a layer
            with several outputs they are called `name[0]`, `name[1]` and so on.
        graph: The graph of the copy.
    """

    def __init__(self, model: keras.Model) -> None:
        self.layers: dict[str, Any] = {}
        # A copy, because in the original a layer's first call may belong to another model.
        self._copy = copy_model(model, on_call=self._record)
        self.graph = Graph(self._copy)

    def _record(self, operation: Any, outputs: Any) -> None:
        for index, tensor in enumerate(keras.tree.flatten(outputs)):
            name = f"{operation.name}[{index}]" if keras.tree.is_nested(outputs) else operation.name
            self.layers.setdefault(name, tensor)

    def showing(self, names: Sequence[str], *, outputs: bool, given: Iterable[str] = ()) -> "Shown":
        """Prepares what `names` give, behind the model's outputs if those are wanted.

        Args:
            names: Of layers, from `layers`.
            outputs: Whether the model's own outputs come first.
            given: Layers that will be told what to give.
        """
        first = keras.tree.flatten(self._copy.output) if outputs else []
        tensors = [*first, *(self.layers[name] for name in names)]
        return Shown(self._copy.inputs, {name: self.layers[name] for name in given}, tensors)


class Shown:
    """Runs a part of a model.

    Args:
        inputs: The model's inputs.
        told: What layers that are told what to give would give, by name.
        tensors: What is wanted.
    """

    def __init__(
        self, inputs: Sequence[Any], told: Mapping[str, Any], tensors: Sequence[Any]
    ) -> None:
        self._told = {
            name: keras.backend.standardize_dtype(tensor.dtype) for name, tensor in told.items()
        }
        names = {id(tensor): name for name, tensor in told.items()}
        # A model cannot show what it is told.
        self._names = [names.get(id(tensor)) for tensor in tensors]
        computed = [tensor for tensor in tensors if id(tensor) not in names]
        self._model = keras.Model([*inputs, *told.values()], computed) if computed else None

    def __call__(self, inputs: Any, given: Mapping[str, Array] | None = None) -> list[Array]:
        """Runs it on the model's inputs and on what layers are to give, by their names."""
        told = {name: np.asarray((given or {})[name], kind) for name, kind in self._told.items()}
        leaves = [*keras.tree.flatten(inputs), *told.values()]
        computed = iter([] if self._model is None else run(self._model, leaves))
        return [
            next(computed) if name is None else told[name].astype("float32") for name in self._names
        ]
