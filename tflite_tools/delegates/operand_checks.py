"""Checks of versions, of the number, the types and the ranks of operands, and of options."""

from typing import Any

from tflite_tools.delegates.vocabulary import OUTPUTS, Finding, check, every_operand, operands
from tflite_tools.model_graph import Operator


@check
def unknown(_: Operator, reason: str) -> Finding:
    """No public rule decides."""
    return Finding(reason, unknown=True)


@check
def refused(_: Operator, reason: str) -> str:
    """Never taken."""
    return reason


@check
def fatal(_: Operator, reason: str) -> Finding:
    """Accepted, but then the delegate fails as a whole."""
    return Finding(reason, fatal=True)


@check
def max_version(operator: Operator, version: int) -> str | None:
    """The newest version of the operator that is known."""
    if operator.version <= version:
        return None
    return f"is version {operator.version}; the delegate knows {operator.name} up to {version}"


@check
def exact_version(operator: Operator, version: int) -> str | None:
    """The only version of the operator that is known."""
    if operator.version == version:
        return None
    return f"is version {operator.version}; the delegate knows version {version} only"


@check
def other_version(operator: Operator, version: int) -> str | None:
    """A version that is not taken."""
    return f"is version {version}, which is not taken" if operator.version == version else None


@check
def inputs(operator: Operator, limits: list[int]) -> str | None:
    """How many inputs there must be, at least and at most; the left-out count."""
    return _between(len(operator.inputs), limits, "input")


@check
def outputs(operator: Operator, limits: list[int]) -> str | None:
    """How many outputs there must be, at least and at most."""
    return _between(len(operator.outputs), limits, "output")


@check
def runtime_inputs(operator: Operator, limits: list[int]) -> str | None:
    """How many inputs may be no constants, at least and at most."""
    count = sum(tensor is not None and not tensor.constant for tensor in operator.inputs)
    return _between(count, limits, "input that is no constant")


def _between(count: int, limits: list[int], what: str) -> str | None:
    low, high = limits
    if low <= count <= high:
        return None
    expected = str(low) if low == high else f"{low} to {high}"
    return f"has {count} × {what}; expected {expected}"


@check
def present(operator: Operator, indices: list[int]) -> str | None:
    """Optional inputs that the delegate needs, by what they are."""
    missing = [index for index in indices if not operands(operator, str(index))]
    return f"has no bias (input {missing[0]})" if missing else None


@check
def constant(operator: Operator, indices: list[int]) -> str | None:
    """Inputs whose values must stand in the file."""
    for index in indices:
        for tensor in operands(operator, str(index)):
            if not tensor.constant:
                return f"input {index} is computed; it must be a constant of the file"
    return None


@check
def dtypes(operator: Operator, allowed: dict[str, list[str]]) -> str | None:
    """The types that operands may have."""
    for index, names in allowed.items():
        for tensor in operands(operator, index):
            if tensor.dtype not in names:
                where = "the output" if index == OUTPUTS else f"input {index}"
                return f"{where} is {tensor.dtype}; expected {', '.join(names)}"
    return None


@check
def runtime_dtypes(operator: Operator, names: list[str]) -> str | None:
    """The types that operands may have that are no constants."""
    for tensor in every_operand(operator):
        if not tensor.constant and tensor.dtype not in names:
            return f"works on {tensor.dtype}; expected {', '.join(names)}"
    return None


@check
def input_dtypes(operator: Operator, names: list[str]) -> str | None:
    """The types that every input may have."""
    for tensor in operator.inputs:
        if tensor is not None and tensor.dtype not in names:
            return f"works on {tensor.dtype}; expected {', '.join(names)}"
    return None


@check
def known_dtypes(operator: Operator, known: dict[str, list[str]]) -> Finding | None:
    """The types of operands for which the rule here is known."""
    refusal = dtypes(operator, known)
    return (
        Finding(f"{refusal}; the rule for others is not known here", unknown=True)
        if refusal
        else None
    )


@check
def dtype_pairs(operator: Operator, pairs: list[list[str]]) -> str | None:
    """The types that activations (input 0) and weights (input 1) may have together."""
    found = [tensor.dtype for tensor in operator.inputs[:2] if tensor is not None]
    return None if found in pairs else f"{' with '.join(found)} weights is no supported pair"


@check
def requantized_dtype(operator: Operator, _: bool) -> str | None:
    """Integers may only be quantised again to integers of their type."""
    tensor, output = operator.inputs[0], operator.outputs[0]
    if tensor is None or tensor.dtype not in ("int8", "uint8") or tensor.dtype == output.dtype:
        return None
    return f"turns {tensor.dtype} into {output.dtype}"


@check
def same_dtype(operator: Operator, indices: list[int]) -> str | None:
    """Operands of one type."""
    found = {tensor.dtype for index in indices for tensor in operands(operator, str(index))}
    return f"mixes {' and '.join(sorted(found))}" if len(found) > 1 else None


@check
def max_rank(operator: Operator, rank: int) -> str | None:
    """How many axes an operand may have."""
    for tensor in every_operand(operator):
        if len(tensor.shape) > rank:
            return f"has an operand with {len(tensor.shape)} axes; at most {rank}"
    return None


@check
def ranks(operator: Operator, allowed: dict[str, list[int]]) -> str | None:
    """How many axes certain operands may have."""
    for index, numbers in allowed.items():
        for tensor in operands(operator, index):
            if len(tensor.shape) not in numbers:
                where = "the output" if index == OUTPUTS else f"input {index}"
                expected = ", ".join(map(str, numbers))
                return f"{where} has {len(tensor.shape)} axes; expected {expected}"
    return None


@check
def options(operator: Operator, allowed: dict[str, list[Any]]) -> str | None:
    """The values that options may have."""
    for name, values in allowed.items():
        if name in operator.options and operator.options[name] not in values:
            expected = ", ".join(map(str, values))
            return f"{name} is {operator.options[name]}; expected {expected}"
    return None


@check
def max_options(operator: Operator, limits: dict[str, int]) -> str | None:
    """The largest values that options may have."""
    for name, limit in limits.items():
        if operator.options.get(name, limit) > limit:
            return f"{name} is {operator.options[name]}; at most {limit}"
    return None


@check
def refused_dtypes(operator: Operator, refused_names: dict[str, list[str]]) -> str | None:
    """The types of operands with which the operator was seen to be refused."""
    for index, names in refused_names.items():
        for tensor in operands(operator, index):
            if tensor.dtype in names:
                where = "the output" if index == OUTPUTS else f"input {index}"
                return f"{where} is {tensor.dtype}"
    return None


@check
def fatal_dtypes(operator: Operator, names: dict[str, list[str]]) -> Finding | None:
    """The types of operands with which the operator was seen to be accepted, and then to fail."""
    seen = refused_dtypes(operator, names)
    return Finding(f"{seen}, with which it cannot be compiled", fatal=True) if seen else None


@check
def no_hybrid(operator: Operator, _: bool) -> str | None:
    """Weights of integers need activations of integers."""
    weights = [t for t in operator.inputs if t is not None and t.constant and t.dtype == "int8"]
    if not weights or operator.outputs[0].dtype == "int8":
        return None
    return f"computes {operator.outputs[0].dtype} with int8 weights"


@check
def known_constant(operator: Operator, indices: list[int]) -> Finding | None:
    """Inputs of which nothing is known here unless their values stand in the file."""
    refusal = constant(operator, indices)
    return Finding(refusal, unknown=True) if isinstance(refusal, str) else None


@check
def measured(operator: Operator, names: list[str]) -> Finding | None:
    """The types with which a closed compiler was seen to take the operator."""
    for tensor in every_operand(operator):
        if not tensor.constant and tensor.dtype not in names:
            reason = "the plugin translates it; the vendor's closed library decides on"
            return Finding(f"{reason} {tensor.dtype}", unknown=True)
    return None
