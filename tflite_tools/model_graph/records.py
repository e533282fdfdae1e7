"""The records of a .tflite file's graph."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Quantization:
    """How the integers of a tensor stand for real values: `scale · (q − zero_point)`.

    Attributes:
        scales: One scale, or one for each channel.
        zero_points: As many.
        axis: Which axis the channels are on.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """An operand.

    Attributes:
        index: Its index in the file.
        name: Its name in the file.
        shape: The shape that it has when the file is loaded: an axis of any length is 1 there.
        signature: Its shape with -1 for an axis of any length.
        dtype: Its type, such as "float32".
        constant: Whether its values stand in the file.
        size_bytes: How many bytes these values take; 0 if it is no constant.
        quantization: What its integers stand for; None if it is not quantised.
        values: The values of a small constant of int32 or int64, such as axes; None for others.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    constant: bool
    size_bytes: int
    quantization: Quantization | None
    values: tuple[int, ...] | None

    @property
    def dynamic(self) -> bool:
        """Whether an axis may have any length."""
        return any(side < 0 for side in self.signature)


@dataclass(frozen=True)
class Operator:
    """One operator of the graph.

    Attributes:
        index: Its place in the order of execution.
        name: What it is, such as "CONV_2D", or "CUSTOM:<name>".
        version: The version that the file asks for.
        options: Its options, named as in the schema, such as "stride_w".
        inputs: Its inputs; None for an optional one that is left out.
        outputs: Its outputs.
        macs: Its multiply-accumulate operations for one run; 0 for what has none.
    """

    index: int
    name: str
    version: int
    options: dict[str, Any]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    macs: int

    @property
    def calls(self) -> tuple[int, ...]:
        """The subgraphs that it runs, such as the condition and the body of a loop."""
        return tuple(
            value
            for name, value in self.options.items()
            if name == "subgraph" or name.endswith("subgraph_index")
        )

    @property
    def weight_bytes(self) -> int:
        """The bytes of the constants that it reads."""
        return sum(tensor.size_bytes for tensor in self.inputs if tensor is not None)


@dataclass(frozen=True)
class ModelGraph:
    """The main subgraph of a .tflite file.

    Attributes:
        operators: Its operators in the order of execution.
        inputs: The indices of its input tensors.
        outputs: The indices of its output tensors.
        subgraphs: How many subgraphs the file has.
    """

    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: int

    @property
    def macs(self) -> int:
        """The multiply-accumulate operations of one run, without those of `callers`."""
        return sum(operator.macs for operator in self.operators)

    @property
    def callers(self) -> tuple[str, ...]:
        """The operators that run other subgraphs, such as "WHILE"; what these hold is not read."""
        return tuple(operator.name for operator in self.operators if operator.calls)
