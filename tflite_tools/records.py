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
class CalibrationRecord:
    """What int8 was calibrated on, after preprocessing.

    Attributes:
        source: Where the samples are from.
        samples: How many there are.
        min: Their smallest value.
        max: Their largest value.
        mean: The mean of each channel; None if the samples are no images.
        std: The standard deviation of each channel; None if the samples are no images.
        constant: How many samples hold one value, or one colour, only.
        skipped: The files that could not be read and were left out.
        percentile: What the ranges of the activations were cut to, in percent; None for the true
            minimum and maximum.
        trained_range: The smallest and the largest input in training, from the model card; None
            without one.
        warnings: What is odd about the samples, a sentence each.
    """

    source: str
    samples: int
    min: float
    max: float
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    constant: int
    skipped: tuple[str, ...]
    percentile: float | None
    trained_range: tuple[float, float] | None
    warnings: tuple[str, ...]


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
