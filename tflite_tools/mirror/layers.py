"""Which tf_keras layer computes what a node of the graph computes."""

import inspect
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import Node
from tflite_tools.mirror.functions import activation, channel_shuffle_split, operation

# Of the same name, arguments, weights and function in both.
_SAME = (
    *("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"),
    *("AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D"),
    *("BatchNormalization", "LayerNormalization", "Normalization", "Rescaling"),
    *("Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "SeparableConv2D"),
    *("Cropping2D", "Flatten", "Permute", "Reshape", "UpSampling2D", "ZeroPadding2D"),
    *("ELU", "PReLU", "ReLU", "Softmax"),
)
# Arguments that tf_keras calls otherwise.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
# They do nothing in inference.
_IDENTITIES = ("ActivityRegularization", "Dropout", "Identity", "SpatialDropout2D")
# What has no say in what a layer computes in inference.
_WITHOUT_EFFECT = ("dtype", "name", "renorm_momentum", "seed", "trainable")
_WITHOUT_EFFECT_ENDINGS = ("_constraint", "_initializer", "_regularizer")
_OPERATIONS = "keras.src.ops."
_SHUFFLE = "ChannelShuffleSplit"


def layer_for(node: Node, model: str) -> Any:
    """Makes the tf_keras layer, without weights, or raises `ToolError` with the node's name."""
    import tf_keras

    if node.module.startswith(_OPERATIONS):
        return _function_layer(operation(node.class_name, node.config), node, model)
    if node.class_name == _SHUFFLE:
        return _function_layer(channel_shuffle_split(node.config), node, model)
    if node.class_name == "Activation":
        return _function_layer(activation(node.config["activation"]), node, model)
    if node.class_name in _IDENTITIES:
        return _function_layer(activation("linear"), node, model)
    if node.module == "keras.layers" and node.class_name in (*_SAME, *_RENAMED):
        kind = getattr(tf_keras.layers, node.class_name)
        return kind(**_arguments(kind, node, model), name=node.name)
    return _refuse(node, model, f"the class {node.class_name}")


def _arguments(kind: type, node: Node, model: str) -> dict[str, Any]:
    renamed = _RENAMED.get(node.class_name, {})
    config = {
        renamed.get(key, key): value
        for key, value in node.config.items()
        if key not in _WITHOUT_EFFECT and not key.endswith(_WITHOUT_EFFECT_ENDINGS)
    }
    accepted = inspect.signature(kind).parameters
    unknown = {key: value for key, value in config.items() if key not in accepted and value}
    if unknown:
        setting, value = next(iter(unknown.items()))
        _refuse(node, model, f"a {node.class_name} with {setting}={value!r}")
    return {key: value for key, value in config.items() if key in accepted}


def _function_layer(function: Any, node: Node, model: str) -> Any:
    """A layer that applies a function to the arguments of the call, numbers among them."""
    import tf_keras

    if function is None:
        what = node.config.get("activation", node.class_name)
        return _refuse(node, model, f"{node.class_name} {what}")

    class Function(tf_keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return function(*inputs) if isinstance(inputs, tuple) else function(inputs)

    return Function(name=node.name)


def _refuse(node: Node, model: str, what: str) -> Any:
    raise ToolError(
        f"{model}: quantisation-aware training has no counterpart in tf_keras for the layer "
        f"{node.name!r}: {what}. Replace it by stock layers, or convert with post-training "
        "quantisation (tflite-tools convert --precision int8)."
    )
