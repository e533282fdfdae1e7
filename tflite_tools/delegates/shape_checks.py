"""Checks of shapes, windows and values of operands."""

from tflite_tools.delegates.vocabulary import Finding, check, operands
from tflite_tools.model_graph import Operator


@check
def one_group(operator: Operator, outcome: str) -> str | Finding | None:
    """A convolution must not be grouped; `outcome` is "refused" or "fatal"."""
    activations, filters = operator.inputs[:2]
    if activations is None or filters is None or activations.shape[-1] == filters.shape[-1]:
        return None
    count = activations.shape[-1] // max(1, filters.shape[-1])
    reason = f"is a convolution in {count} groups; at most 1"
    return Finding(reason, fatal=True) if outcome == "fatal" else reason


@check
def depthwise_shapes(operator: Operator, _: bool) -> str | None:
    """A depthwise convolution's multiplier and shapes must belong together."""
    activations, filters = operator.inputs[:2]
    if activations is None or filters is None:
        return None
    multiplier = operator.options.get("depth_multiplier", 1)
    if activations.shape[-1] * multiplier == operator.outputs[0].shape[-1] == filters.shape[-1]:
        return None
    return f"depth_multiplier {multiplier} does not fit the shapes"


@check
def small_multiplier(operator: Operator, _: bool) -> str | None:
    """A depth multiplier needs a single input channel and no dilation."""
    activations = operator.inputs[0]
    dilated = _dilated(operator)
    single = activations is not None and len(activations.shape) == 4 and activations.shape[3] == 1
    if operator.options.get("depth_multiplier", 1) == 1 or (single and not dilated):
        return None
    return "depth_multiplier is above 1; that needs one input channel and no dilation"


@check
def dilation_without_stride(operator: Operator, _: bool) -> str | None:
    """A dilation needs a stride of 1."""
    strides = (operator.options.get("stride_h", 1), operator.options.get("stride_w", 1))
    if not _dilated(operator) or strides == (1, 1):
        return None
    return "has a dilation together with a stride"


def _dilated(operator: Operator) -> bool:
    return any(operator.options.get(f"dilation_{axis}_factor", 1) != 1 for axis in "hw")


@check
def min_side(operator: Operator, limits: dict[str, list[int]]) -> str | None:
    """Of an input, an axis and the shortest length that it may have."""
    for index, (axis, length) in limits.items():
        for tensor in operands(operator, index):
            if len(tensor.shape) > axis and tensor.shape[axis] < length:
                return f"axis {axis} of input {index} is {tensor.shape[axis]}; at least {length}"
    return None


@check
def pool_window(operator: Operator, _: bool) -> str | None:
    """A pooling's stride must not exceed its window, nor a window of 1×1 have a stride."""
    window = [operator.options.get(f"filter_{name}", 1) for name in ("height", "width")]
    strides = [operator.options.get(f"stride_{name}", 1) for name in "hw"]
    if any(stride > side for stride, side in zip(strides, window, strict=True)):
        return f"stride {strides[0]}×{strides[1]} exceeds the window {window[0]}×{window[1]}"
    return None


@check
def max_same_window(operator: Operator, limit: int) -> str | None:
    """How long a side of a window may be if the padding is SAME."""
    window = max(operator.options.get(f"filter_{name}", 1) for name in ("height", "width"))
    if operator.options.get("padding") != "SAME" or window <= limit:
        return None
    return f"has a window of {window} with padding SAME; at most {limit}"


@check
def max_quantized_window(operator: Operator, limit: int) -> str | None:
    """How many values a window over integers may hold."""
    window = operator.options.get("filter_height", 1) * operator.options.get("filter_width", 1)
    tensor = operator.inputs[0]
    if window <= limit or tensor is None or tensor.dtype not in ("int8", "uint8"):
        return None
    return f"has a window of {window} values over {tensor.dtype}; at most {limit}"


@check
def values(operator: Operator, allowed: dict[str, list[int]]) -> str | None:
    """Of an input, the smallest and the largest value that it may hold."""
    for index, (low, high) in allowed.items():
        for tensor in operands(operator, index):
            if tensor.values is not None and any(not low <= v <= high for v in tensor.values):
                return f"input {index} holds {list(tensor.values)}; expected {low} to {high}"
    return None


@check
def pad_shape(operator: Operator, rows: list[int]) -> str | None:
    """How many axes a PAD may name."""
    for tensor in operands(operator, "1"):
        if len(tensor.shape) != 2 or tensor.shape[0] not in rows or tensor.shape[1] != 2:
            return f"pads with a tensor of shape {list(tensor.shape)}; expected rows: {rows}"
    return None


@check
def standard_broadcast(operator: Operator, _: bool) -> str | None:
    """Operands of different rank: 3 axes, [1, 1] or [batch, channels] to 4."""
    shapes = sorted((t.shape for t in operator.inputs if t is not None), key=len)
    short, long = shapes[0], shapes[-1]
    if len(short) <= 1 or len(short) == len(long):
        return None
    if len(long) == 4 and long[0] == 1 and (len(short) == 3 or short == (1, 1)):
        return None
    if len(long) == 4 and len(short) == 2 and short == (long[0], long[3]):
        return None
    return f"broadcasts {list(short)} to {list(long)}"


@check
def shader_shapes(operator: Operator, kind: str) -> Finding | None:
    """Computed operands of 4 axes that a shader can combine: equal, or the second broadcast.

    `kind` says how: over "channels" that are equal, or over "any axis".
    """
    shapes = [t.shape for t in operator.inputs if t is not None and not t.constant]
    if len(shapes) < 2 or shapes[0] == shapes[1] or not len(shapes[0]) == len(shapes[1]) == 4:
        return None
    first, second = shapes[:2]
    if kind == "channels":
        fits = second[1:3] == (1, 1) and first[3] == second[3]
    else:
        fits = all(b in (1, a) for a, b in zip(first[1:], second[1:], strict=True))
    return None if fits else Finding(f"combines {list(first)} with {list(second)}", fatal=True)


@check
def single_batch(operator: Operator, _: bool) -> Finding | None:
    """A batch of 1."""
    for tensor in operator.outputs:
        if len(tensor.shape) == 4 and tensor.shape[0] != 1:
            return Finding(f"has a batch of {tensor.shape[0]}; expected 1", fatal=True)
    return None
