"""Which operators an accelerator can take: one table for each target.

An operator that is not in its table, or has a higher version or another type than the table's row
allows, runs on the processor: at every such place the graph is cut in two. What else a delegate
asks of an operator (constant inputs, ranks, strides, the device's own driver) is not in here.

Sources, as of google-ai-edge/LiteRT f6745779:
GPU: tflite/tools/versioning/gpu_compatibility.cc (which operators), tflite/delegates/gpu/common/
model_builder.cc (versions: CheckMaxSupportedOpVersion; operators without a number here were not
looked up there).
NNAPI: tflite/delegates/nnapi/nnapi_delegate.cc, NNAPIDelegateKernel::Validate; the Android API
levels of float and of int8 operands are the least that it accepts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import OperatorUse, operator_uses


@dataclass(frozen=True)
class OpRule:
    """What a target takes of an operator.

    Attributes:
        max_version: The highest version of the operator; None if it is not asked for.
        float32: Whether floating-point operands are taken.
        int8: Whether int8 operands are taken.
        float32_api: The least Android API level for floating-point operands; 0 for any.
        int8_api: The least Android API level for int8 operands; 0 for any.
    """

    max_version: int | None = None
    float32: bool = True
    int8: bool = True
    float32_api: int = 0
    int8_api: int = 0


def _nnapi(max_version: int | None, float32_api: int, int8_api: int | None) -> OpRule:
    return OpRule(max_version, True, int8_api is not None, float32_api, int8_api or 0)


_ANY = OpRule()
# NNAPI's own levels after Android 12, as its header numbers them.
_FEATURE_LEVEL_6, _FEATURE_LEVEL_7 = 1000006, 1000007

GPU: Mapping[str, OpRule] = {
    "CONV_2D": OpRule(6),
    "DEPTHWISE_CONV_2D": OpRule(6),
    "ADD": OpRule(2),
    "MUL": OpRule(3),
    "MAX_POOL_2D": OpRule(2),
    "AVERAGE_POOL_2D": OpRule(2),
    "FULLY_CONNECTED": OpRule(9),
    "SOFTMAX": OpRule(2),
    "LOGISTIC": OpRule(2),
    "RESHAPE": OpRule(1),
    "RELU": OpRule(2),
    "RELU6": OpRule(2),
    "PAD": OpRule(2),
    "CONCATENATION": OpRule(2),
    "STRIDED_SLICE": OpRule(4),
    "TRANSPOSE": OpRule(4),
    "QUANTIZE": OpRule(2, float32=False),
    "DEQUANTIZE": OpRule(3),
    **dict.fromkeys(
        (
            *("MEAN", "HARD_SWISH", "SPLIT", "SPLIT_V", "PADV2", "MIRROR_PAD", "PRELU"),
            *("LEAKY_RELU", "RELU_N1_TO_1", "ELU", "GELU", "TANH", "TRANSPOSE_CONV"),
            *("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"),
            *("SUB", "DIV", "POW", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV"),
            *("FLOOR_MOD", "ATAN2", "ABS", "CEIL", "COS", "EXP", "FLOOR", "LOG", "NEG", "ROUND"),
            *("RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "EQUAL", "NOT_EQUAL", "GREATER", "LESS"),
            *("GREATER_EQUAL", "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT"),
            *("SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ALL", "REDUCE_ANY"),
            *("ADD_N", "BATCH_MATMUL", "CAST", "CUMSUM", "GATHER", "ONE_HOT", "PACK", "SLICE"),
            *("REVERSE_V2", "SELECT", "SELECT_V2", "TILE", "TOPK_V2", "EMBEDDING_LOOKUP", "LSTM"),
        ),
        _ANY,
    ),
}

NNAPI: Mapping[str, OpRule] = {
    "CONV_2D": _nnapi(5, 27, 29),
    "DEPTHWISE_CONV_2D": _nnapi(3, 27, 29),
    "ADD": _nnapi(2, 27, 27),
    "MUL": _nnapi(2, 27, 27),
    "MAX_POOL_2D": _nnapi(2, 27, 27),
    "AVERAGE_POOL_2D": _nnapi(2, 27, 27),
    "MEAN": _nnapi(2, 28, 29),
    "FULLY_CONNECTED": _nnapi(5, 27, 29),
    "SOFTMAX": _nnapi(2, 27, 27),
    "LOGISTIC": _nnapi(2, 27, 27),
    "RELU": _nnapi(2, 27, 27),
    "RELU6": _nnapi(2, 27, 27),
    "RELU_N1_TO_1": _nnapi(2, 27, 27),
    "HARD_SWISH": _nnapi(None, 27, 27),
    "TANH": _nnapi(2, 27, 29),
    "RESHAPE": _nnapi(1, 27, 27),
    "SQUEEZE": _nnapi(2, 28, 28),
    "EXPAND_DIMS": _nnapi(1, 29, 29),
    "PAD": _nnapi(2, 28, 29),
    "PADV2": _nnapi(2, 29, 29),
    "CONCATENATION": _nnapi(2, 27, 27),
    "STRIDED_SLICE": _nnapi(2, 28, 28),
    "SLICE": _nnapi(2, 29, 29),
    "SPLIT": _nnapi(3, 29, 30),
    "SPLIT_V": _nnapi(2, 30, 30),
    "TRANSPOSE": _nnapi(2, 28, 28),
    "QUANTIZE": _nnapi(2, 29, 30),
    "DEQUANTIZE": _nnapi(2, 27, 29),
    "SUB": _nnapi(3, 28, 29),
    "DIV": _nnapi(1, 28, None),
    "MAXIMUM": _nnapi(3, 29, 29),
    "MINIMUM": _nnapi(3, 29, 29),
    "LEAKY_RELU": _nnapi(1, 29, 29),
    "PRELU": _nnapi(1, 29, 29),
    "ELU": _nnapi(1, 30, None),
    "TRANSPOSE_CONV": _nnapi(4, 29, 29),
    "SPACE_TO_DEPTH": _nnapi(2, 27, 27),
    "DEPTH_TO_SPACE": _nnapi(None, 27, 27),
    "SQUARED_DIFFERENCE": _nnapi(2, 28, 30),
    "REDUCE_MAX": _nnapi(2, 29, 29),
    "REDUCE_MIN": _nnapi(2, 29, 29),
    "SUM": _nnapi(1, 29, None),
    "ABS": _nnapi(1, 29, None),
    "EXP": _nnapi(1, 29, None),
    "LOG": _nnapi(1, 29, None),
    "POW": _nnapi(1, 29, None),
    "SQRT": _nnapi(1, 29, None),
    "RSQRT": _nnapi(2, 29, None),
    "NEG": _nnapi(2, 29, None),
    "SIN": _nnapi(1, 29, None),
    "COS": _nnapi(1, 29, None),
    "FLOOR": _nnapi(1, 27, None),
    "LOG_SOFTMAX": _nnapi(1, 29, None),
    "REDUCE_PROD": _nnapi(1, 29, None),
    "GATHER": _nnapi(2, 29, 29),
    "CAST": _nnapi(1, 29, 30),
    "TILE": _nnapi(1, 29, 29),
    "TOPK_V2": _nnapi(2, 29, 29),
    "SELECT": _nnapi(2, 29, 29),
    **dict.fromkeys(
        ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"),
        _nnapi(2, 29, 29),
    ),
    "LOGICAL_AND": _nnapi(1, 29, None),
    "LOGICAL_OR": _nnapi(1, 29, None),
    "LOGICAL_NOT": _nnapi(1, 29, None),
    "PACK": _nnapi(2, 30, 30),
    "UNPACK": _nnapi(2, 30, 30),
    "BATCH_MATMUL": _nnapi(2, _FEATURE_LEVEL_6, _FEATURE_LEVEL_6),
    "MIRROR_PAD": _nnapi(2, _FEATURE_LEVEL_7, _FEATURE_LEVEL_7),
    "REVERSE_V2": _nnapi(3, _FEATURE_LEVEL_7, _FEATURE_LEVEL_7),
}

# The processor runs whatever is built in.
TARGETS: Mapping[str, Mapping[str, OpRule] | None] = {"cpu": None, "gpu": GPU, "nnapi": NNAPI}
# Weights with a scale for each channel are in NNAPI's definition of convolutions, not of this one.
PER_CHANNEL_DENSE = {"cpu": True, "gpu": True, "nnapi": False}


def check_target_name(target: object) -> None:
    """Refuses what is no target."""
    if target not in TARGETS:
        raise ToolError(f"target: expected one of {', '.join(TARGETS)}, got {target}.")


def check_target(content: bytes, target: str, name: str, layers: Collection[str]) -> None:
    """Refuses a file with an operator that the target would leave to the processor.

    Args:
        content: The .tflite file.
        target: A key of `TARGETS`.
        name: The file's name, for the message.
        layers: Names of layers, to tell which one an operator comes from.
    """
    rules = TARGETS[target]
    if rules is None:
        return
    problems: dict[str, str] = {}
    for use in operator_uses(content):
        if problem := _problem(use, rules):
            problems.setdefault(problem, f"{problem}{_origin(use.tensor, layers)}")
    if problems:
        raise ToolError(
            f"{name}: the target {target} does not take {'; '.join(problems.values())}. Replace "
            "the layers that make it, choose another precision, or convert with target=cpu."
        )


def _problem(use: OperatorUse, rules: Mapping[str, OpRule]) -> str | None:
    rule = rules.get(use.op)
    if rule is None:
        return use.op
    if not (rule.int8 if use.is_int8 else rule.float32):
        return f"{use.op} on {'int8' if use.is_int8 else 'floats'}"
    if rule.max_version is not None and use.version > rule.max_version:
        return f"{use.op} of version {use.version} (only up to {rule.max_version})"
    return None


def _origin(tensor: str, layers: Collection[str]) -> str:
    """The layer whose scope the tensor's name starts with, if the converter kept it."""
    scopes = tensor.split(";")[0].split("/")
    # TensorFlow numbers a scope that it has met before.
    unnumbered = [scope.rpartition("_")[0] for scope in scopes]
    found = [scope for scope in (*scopes, *unnumbered) if scope in layers]
    return f" (layer {found[0]!r})" if found else ""
