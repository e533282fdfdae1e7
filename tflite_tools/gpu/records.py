"""What a run on the GPU gave."""

from dataclasses import dataclass
from pathlib import Path

from tflite_tools.records import EvaluationRecord


@dataclass(frozen=True)
class GpuFailure:
    """A .tflite file that the GPU did not run.

    Attributes:
        file: The .tflite file.
        reason: Why, in a sentence.
    """

    file: Path
    reason: str


@dataclass(frozen=True)
class GpuRecord:
    """How a .tflite file did on the GPU alone.

    A run is timed from the writing of its input to the reading of its output: a GPU works on after
    the call that starts it has returned.

    Attributes:
        file: The .tflite file.
        device: What LiteRT calls the GPU.
        software: Whether the "GPU" is a program on the processor, so that its times mean nothing
            for a real one.
        comparison: Its outputs against those of the processor.
        largest_output: The largest absolute output of the processor, to judge the errors by.
        tolerance: Which share of `largest_output` an error may be.
        allowed_error: What that is, or three quantisation steps of the output if they are more.
        passed: Whether no output differs by more. A first choice may change only between outputs
            that are twice as near to each other.
        compile_ms: How long it took to load and compile the file, in milliseconds.
        first_ms: The time of the first run.
        runs: How many runs were timed after the warm-up.
        median_ms: Their median.
        p95_ms: The time that 95 % of the runs kept to.
    """

    file: Path
    device: str
    software: bool
    comparison: EvaluationRecord
    largest_output: float
    tolerance: float
    allowed_error: float
    passed: bool
    compile_ms: float
    first_ms: float
    runs: int
    median_ms: float
    p95_ms: float

    @property
    def says_nothing(self) -> bool:
        """Whether outputs of zero would pass too."""
        return self.largest_output <= self.allowed_error
