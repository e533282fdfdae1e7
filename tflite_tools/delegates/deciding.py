"""Decides for every operator of a graph whether a delegate takes it."""

from collections.abc import Iterable
from dataclasses import replace

from tflite_tools.delegates.records import Decision
from tflite_tools.delegates.rules import Rule, Rules
from tflite_tools.delegates.vocabulary import CHECKS, Finding
from tflite_tools.model_graph import ModelGraph, Operator

_CUSTOM = "CUSTOM:"


def decide(graph: ModelGraph, rules: Rules) -> tuple[Decision, ...]:
    """One `Decision` for each operator, in the order of execution."""
    unpackers = _unpackers(graph, rules)
    unpacked = {operator.outputs[0].index for operator in unpackers}
    skipped = {operator.index for operator in unpackers}
    decisions = {
        operator.index: _decide(_with_constants(operator, unpacked), rules)
        for operator in graph.operators
        if operator.index not in skipped
    }
    for operator in unpackers:
        others = _consumers(graph, operator) if rules.unpacks_partly else decisions
        decisions[operator.index] = _unpacking(
            operator, rules, all(decisions[index].status == "taken" for index in others)
        )
    return tuple(decisions[operator.index] for operator in graph.operators)


def _unpackers(graph: ModelGraph, rules: Rules) -> list[Operator]:
    return [
        operator
        for operator in graph.operators
        if operator.name == "DEQUANTIZE"
        and operator.inputs[0] is not None
        and operator.inputs[0].constant
        and operator.inputs[0].dtype in rules.unpacks
        and operator.outputs[0].dtype == "float32"
    ]


def _consumers(graph: ModelGraph, producer: Operator) -> list[int]:
    made = producer.outputs[0].index
    return [
        operator.index
        for operator in graph.operators
        if any(tensor is not None and tensor.index == made for tensor in operator.inputs)
    ]


def _with_constants(operator: Operator, unpacked: set[int]) -> Operator:
    inputs = tuple(
        replace(tensor, constant=True)
        if tensor is not None and tensor.index in unpacked
        else tensor
        for tensor in operator.inputs
    )
    return replace(operator, inputs=inputs)


def _unpacking(operator: Operator, rules: Rules, taken: bool) -> Decision:
    if taken:
        return Decision(operator.index, operator.name, "taken", None, None, rules.unpack_source)
    reason = "unpacks a constant for an operator that stays on the CPU"
    if not rules.unpacks_partly:
        reason = "unpacks a constant; it is taken only if all other operators are"
    return Decision(
        operator.index, operator.name, "refused", "DEQUANTIZE.unpacks", reason, rules.unpack_source
    )


def _decide(operator: Operator, rules: Rules) -> Decision:
    rule = rules.by_op.get(operator.name)
    if rule is None:
        return _unlisted(operator, rules)
    for asked in (*rules.common, *rule):
        if (found := _first_finding(operator, asked)) is not None:
            check, finding = found
            return Decision(
                operator.index,
                operator.name,
                "unknown" if finding.unknown else "refused",
                f"{operator.name}.{check}",
                finding.reason,
                asked.source,
                finding.fatal,
            )
    return Decision(operator.index, operator.name, "taken", None, None, rule[-1].source)


def _unlisted(operator: Operator, rules: Rules) -> Decision:
    is_custom = operator.name.startswith(_CUSTOM)
    reason = (
        "is a custom operator, of which no rule is known here"
        if is_custom
        else "is not among the operators that the delegate knows"
    )
    return Decision(
        operator.index,
        operator.name,
        "unknown" if is_custom else "refused",
        f"{operator.name}.listed",
        reason,
        rules.listed,
    )


def _first_finding(operator: Operator, rule: Rule) -> tuple[str, Finding] | None:
    """The first objection; a refusal before what is not known, that before what is fatal."""
    findings = list(_findings(operator, rule))
    findings.sort(key=lambda item: (item[1].fatal, item[1].unknown))
    return findings[0] if findings else None


def _findings(operator: Operator, rule: Rule) -> Iterable[tuple[str, Finding]]:
    for check, parameter in rule.checks:
        result = CHECKS[check](operator, parameter)
        if result is not None:
            yield check, result if isinstance(result, Finding) else Finding(result)
