"""What compiling ahead of time gave."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RefusedOperator:
    """An operator that stays on the CPU.

    Attributes:
        index: Its place in the order of execution of the source.
        op: What it is, such as "EXP".
        reason: What the vendor's compiler said, in its own words.
    """

    index: int
    op: str
    reason: str


@dataclass(frozen=True)
class CompilationRecord:
    """A .tflite file that was compiled for one chip.

    Attributes:
        source: The file that was compiled.
        file: The compiled one: what was taken of the source is one operator for each partition.
        soc: The chip, such as "SM8350".
        operators: How many operators the source has.
        offloaded: How many of them run on the neural processor.
        partitions: As how many pieces.
        refused: Those that stay on the CPU.
        source_bytes: The source's size.
        size_bytes: The compiled file's size.
        compile_seconds: How long the vendor's compiler took, its start included.
        sdk: The folder with the vendor's libraries.
        notes: What else the compiler said or was given, a sentence each.
    """

    source: Path
    file: Path
    soc: str
    operators: int
    offloaded: int
    partitions: int
    refused: tuple[RefusedOperator, ...]
    source_bytes: int
    size_bytes: int
    compile_seconds: float
    sdk: Path
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CompilationFailure:
    """A .tflite file that could not be compiled.

    Attributes:
        source: The file.
        reason: Why not, and what to do.
    """

    source: Path
    reason: str
