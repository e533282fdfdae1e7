"""Refuses files with an operator that an accelerator would leave to the processor."""

from collections.abc import Collection, Iterator, Mapping

from tflite_tools.delegates import DelegateReport, delegate_report
from tflite_tools.errors import ToolError
from tflite_tools.model_graph import ModelGraph, read_graph

# The rules that decide for a target; the processor runs whatever is built in.
TARGETS: Mapping[str, str | None] = {"cpu": None, "gpu": "gpu-opencl", "nnapi": "nnapi-31"}
# Weights with a scale for each channel are in NNAPI's definition of convolutions, not of this one.
PER_CHANNEL_DENSE = {"cpu": True, "gpu": True, "nnapi": False}
_UNPACKING = "DEQUANTIZE.unpacks"


def check_target_name(target: object) -> None:
    """Refuses what is no target."""
    if not isinstance(target, str) or target not in TARGETS:
        raise ToolError(f"target: expected one of {', '.join(TARGETS)}, got {target}.")


def check_target(content: bytes, target: str, name: str, layers: Collection[str]) -> None:
    """Refuses a file with an operator that the target would leave to the processor.

    An operator of which no rule is known passes: `tflite-tools inspect` names it.

    Args:
        content: The .tflite file.
        target: A key of `TARGETS`.
        name: The file's name, for the message.
        layers: Names of layers, to tell which one an operator comes from.
    """
    delegate = TARGETS[target]
    if delegate is None:
        return
    graph = read_graph(content)
    problems = list(_problems(graph, delegate_report(graph, delegate), layers))
    if problems:
        raise ToolError(
            f"{name}: the target {target} does not take {'; '.join(problems)}. Replace "
            "the layers that make it, choose another precision, or convert with target=cpu."
        )


def _problems(graph: ModelGraph, report: DelegateReport, layers: Collection[str]) -> Iterator[str]:
    """What is not taken, each reason once, with the layer where it comes up first."""
    seen = set()
    for decision in report.decisions:
        # What unpacks weights on the processor does it once, when the file is loaded.
        if decision.status != "refused" or decision.rule == _UNPACKING:
            continue
        if (decision.op, decision.reason) not in seen:
            seen.add((decision.op, decision.reason))
            tensor = graph.operators[decision.index].outputs[0].name
            yield f"{decision.op}{_origin(tensor, layers)}: {decision.reason}"


def _origin(tensor: str, layers: Collection[str]) -> str:
    """The layer whose scope the tensor's name starts with, if the converter kept it."""
    scopes = tensor.split(";")[0].split("/")
    # TensorFlow numbers a scope that it has met before.
    unnumbered = [scope.rpartition("_")[0] for scope in scopes]
    found = [scope for scope in (*scopes, *unnumbered) if scope in layers]
    return f" (layer {found[0]!r})" if found else ""
