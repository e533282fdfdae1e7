"""The description of a functional Keras model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec.configs import deployed_config, refuse_foreign
from tflite_tools.graph_spec.names import fit_name, unused_name
from tflite_tools.graph_spec.structure import (
    AnyArray,
    Call,
    GraphInput,
    GraphSpec,
    Node,
    Reference,
    mapped,
)

if TYPE_CHECKING:
    import keras

Operation = Any
# What a model gives: `output` of it is the reference of that tensor.
_Outputs = tuple[Reference, ...]


def describe(model: "keras.Model") -> GraphSpec:
    """Describes a functional or Sequential model as plain data.

    Models inside the model become part of its graph. Names that TensorFlow does not take are
    replaced, and those that two nested models share are numbered. Shared layers stay one node
    with several calls. What only training uses (initialisers, penalties, constraints) is left out.

    Args:
        model: Any functional or built Sequential model; for deployment, what `keras_finet.fuse`
            returns. It is not changed.

    Raises:
        ToolError: The model holds a Lambda layer, or code that is neither Keras' own nor
            keras_finet's; the message names the layer.
    """
    from keras_finet.graph import as_functional

    try:
        functional = as_functional(model)
    except ValueError as error:
        raise ToolError(str(error)) from error
    return _Describer(model.name).describe(functional)


@dataclass
class _Draft:
    """A node whose calls are still being collected."""

    name: str
    entry: Mapping[str, Any]
    weights: tuple[AnyArray, ...]
    calls: list[Call] = field(default_factory=list)

    def node(self) -> Node:
        config = deployed_config(self.entry["config"])
        return Node(
            self.name,
            self.entry["class_name"],
            self.entry["module"],
            self.entry["registered_name"],
            {**config, "name": self.name},
            self.weights,
            tuple(self.calls),
        )


class _Describer:
    def __init__(self, name: str) -> None:
        self.model_name = name
        self.taken: set[str] = set()
        # By identity: a layer may stand in several of the nested models.
        self.drafts: dict[int, _Draft] = {}

    def describe(self, model: "keras.Model") -> GraphSpec:
        inputs = tuple(
            GraphInput(
                self._new_name(name), tuple(tensor.shape[1:]), str(tensor.dtype), tensor.shape[0]
            )
            for name, tensor in zip(_input_names(model), model.inputs, strict=True)
        )
        outputs = self._inline(model, [Reference(entry.name) for entry in inputs])
        nodes = tuple(draft.node() for draft in self.drafts.values())
        return GraphSpec(fit_name(self.model_name), inputs, nodes, outputs)

    def _inline(self, model: "keras.Model", inputs: list[Reference]) -> _Outputs:
        """Adds the calls of one functional model, given what its inputs are."""
        config = model.get_config()
        operations = {operation.name: operation for operation in model.operations}
        made: dict[tuple[str, int], Reference | _Outputs] = {
            (name, 0): reference
            for name, reference in zip(_input_names(model), inputs, strict=True)
        }
        waiting = [
            (entry, index, node)
            for entry in config["layers"]
            for index, node in enumerate(entry["inbound_nodes"])
        ]
        # A shared layer's calls stand together in the list, whatever has to run between them.
        while waiting:
            later = []
            for entry, index, node in waiting:
                try:
                    arguments = mapped((node["args"], node["kwargs"]), _resolver(made))
                except _NotYetMadeError:
                    later.append((entry, index, node))
                    continue
                operation = operations[entry["name"]]
                made[entry["name"], index] = self._called(operation, entry, *arguments)
            waiting = later
        return tuple(
            _lookup(made, _without_own_node(history, operations))
            for history in _histories(config["output_layers"])
        )

    def _called(
        self, operation: Operation, entry: Mapping[str, Any], args: Any, kwargs: Any
    ) -> Reference | _Outputs:
        from keras_finet.graph import as_functional, has_graph

        if has_graph(operation):
            inner = as_functional(operation)
            return self._inline(inner, self._inner_inputs(inner, args, kwargs))
        draft = self._draft(operation, entry)
        draft.calls.append(Call(tuple(args), kwargs))
        return Reference(draft.name, len(draft.calls) - 1)

    def _draft(self, operation: Operation, entry: Mapping[str, Any]) -> _Draft:
        if id(operation) not in self.drafts:
            refuse_foreign(self.model_name, operation.name, entry)
            # Bare operations have no weights, and no such method.
            has_weights = hasattr(operation, "get_weights")
            weights = tuple(operation.get_weights()) if has_weights else ()
            name = self._new_name(operation.name)
            self.drafts[id(operation)] = _Draft(name, entry, weights)
        return self.drafts[id(operation)]

    def _inner_inputs(self, inner: "keras.Model", args: Any, kwargs: Any) -> list[Reference]:
        """What the inputs of a model inside the model are, in its order."""
        import keras

        given, *others = list(args) or [kwargs["inputs"]]
        options = {key: value for key, value in kwargs.items() if key != "inputs"}
        # Keras notes down `training=None` and a structure of absent masks.
        for value in keras.tree.flatten([others, options]):
            self._check_plain_call(inner, value in (None, False))
        if isinstance(given, dict) and not isinstance(inner.input, dict):
            given = [given.get(name) for name in _input_names(inner)]
        flat = keras.tree.flatten(given)
        kinds = [type(each) for each in flat]
        self._check_plain_call(inner, kinds == [Reference] * len(inner.inputs))
        return flat

    def _check_plain_call(self, inner: "keras.Model", plain: bool) -> None:
        if not plain:
            raise ToolError(
                f"{self.model_name}: expected the model {inner.name!r} inside it to be called on "
                "its inputs alone, got a call with a mask or in training mode. Call it without, "
                "or use its layers directly."
            )

    def _new_name(self, name: str) -> str:
        new = unused_name(fit_name(name), self.taken)
        self.taken.add(new)
        return new


class _NotYetMadeError(Exception):
    """A tensor whose call has not been added yet."""


def _resolver(made: Mapping[tuple[str, int], Reference | _Outputs]) -> Any:
    def resolve(part: Any) -> Any:
        is_tensor = isinstance(part, dict) and part.get("class_name") == "__keras_tensor__"
        return _lookup(made, part["config"]["keras_history"]) if is_tensor else part

    return resolve


def _lookup(made: Mapping[tuple[str, int], Reference | _Outputs], history: Any) -> Reference:
    name, call, output = history
    if (name, call) not in made:
        raise _NotYetMadeError
    outputs = made[name, call]
    return replace(outputs, output=output) if isinstance(outputs, Reference) else outputs[output]


def _without_own_node(history: Any, operations: Mapping[str, Operation]) -> Any:
    """Keras counts a functional model's calls from 1 among the outputs, else from 0."""
    import keras

    name, call, output = history
    has_own = isinstance(operations[name], keras.Model) and not isinstance(
        operations[name], keras.Sequential
    )
    return name, call - 1 if has_own else call, output


def _histories(outputs: Any) -> Iterator[Any]:
    """The `[layer, call, tensor]` triples of a nested structure, in Keras' flattened order."""
    if isinstance(outputs, dict):
        outputs = [outputs[key] for key in sorted(outputs)]
    if outputs and isinstance(outputs[0], str):
        yield outputs
        return
    for output in outputs:
        yield from _histories(output)


def _input_names(model: "keras.Model") -> list[str]:
    """Of the layers: a tensor's own name need not be its layer's."""
    import keras

    names = {
        id(layer.output): layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.InputLayer)
    }
    return [names[id(tensor)] for tensor in model.inputs]
