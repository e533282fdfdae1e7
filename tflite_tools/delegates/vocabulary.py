"""The vocabulary of the rules: each check looks at one operator and says what is against it.

A rule file says, for an operator, `check = parameter`; the functions in the modules `*_checks` are
the checks. `-1` names the outputs where a parameter names operands by their index.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tflite_tools.model_graph import Operator, Tensor

OUTPUTS = "-1"


@dataclass(frozen=True)
class Finding:
    """What is against an operator.

    Attributes:
        reason: It in words.
        unknown: Whether no public rule decides.
        fatal: Whether the delegate accepts the operator and then fails as a whole.
    """

    reason: str
    unknown: bool = False
    fatal: bool = False


Check = Callable[[Operator, Any], str | Finding | None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Makes a function a word of the rule files."""
    CHECKS[function.__name__] = function
    return function


def operands(operator: Operator, index: str) -> tuple[Tensor, ...]:
    """The operand of that index as far as it is there, or all outputs."""
    if index == OUTPUTS:
        return operator.outputs
    given = [tensor for tensor in operator.inputs[int(index) : int(index) + 1] if tensor]
    return tuple(given)


def every_operand(operator: Operator) -> tuple[Tensor, ...]:
    """All inputs that are given, and all outputs."""
    return (*(tensor for tensor in operator.inputs if tensor is not None), *operator.outputs)
