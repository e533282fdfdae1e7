"""What the tools return: plain data, one record per file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EvaluationRecord:
    """How a .tflite file did on a set of samples.

    Attributes:
        file: The .tflite file.
        samples: How many samples it ran on.
        top1: The share of samples whose label it found; None without labels.
        agreement: The share of samples on which its first choice is the reference's; None
            without reference outputs, or if those are not one row of scores per sample.
        max_abs_error: The largest difference from a reference output; None without reference.
        mean_abs_error: The mean difference from the reference outputs; None without reference.
    """

    file: Path
    samples: int
    top1: float | None
    agreement: float | None
    max_abs_error: float | None
    mean_abs_error: float | None


@dataclass(frozen=True)
class ConversionRecord:
    """A .tflite file that was written, and how it compares with the Keras model.

    Attributes:
        file: The .tflite file.
        precision: "float32", "float16" or "int8".
        size_bytes: Its size.
        ops: How often each operator occurs in it.
        evaluation: Its outputs against those of the Keras model.
    """

    file: Path
    precision: str
    size_bytes: int
    ops: dict[str, int]
    evaluation: EvaluationRecord


@dataclass(frozen=True)
class LatencyRecord:
    """How long one run of a .tflite file took on this machine.

    Attributes:
        file: The .tflite file.
        num_threads: How many threads the interpreter was given.
        runs: How many runs were timed.
        mean_ms: Their mean, in milliseconds.
        median_ms: Their median.
        p95_ms: The time that 95 % of the runs kept to.
        std_ms: Their standard deviation.
        ratio: `median_ms` divided by that of the first file of the same benchmark.
    """

    file: Path
    num_threads: int
    runs: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    std_ms: float
    ratio: float
