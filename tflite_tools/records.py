"""What the tools return: plain data, one record per file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChangedChoice:
    """How often a file chooses one class where the reference chooses another.

    Attributes:
        reference_class: The index of the class that the reference chooses.
        file_class: The index of the class that the file chooses.
        count: The number of such samples.
    """

    reference_class: int
    file_class: int
    count: int


@dataclass(frozen=True)
class WorseClass:
    """A true class of which a file finds fewer samples than the reference does.

    Attributes:
        label: The index of the class.
        samples: How many samples have this label.
        found_by_reference: For how many of them the reference chooses it.
        found: For how many of them the file chooses it.
    """

    label: int
    samples: int
    found_by_reference: int
    found: int


@dataclass(frozen=True)
class DeviceRecord:
    """On which accelerator a .tflite file ran, and how its outputs differ there from the CPU's.

    Attributes:
        delegate: "gpu".
        device: What the runtime calls the device.
        software: Whether the device is a program on the processor.
        agreement: The share of samples on which its first choice is that of the CPU; None if the
            outputs are not one row of scores per sample.
        max_abs_error: The largest difference from an output of the CPU.
        mean_abs_error: The mean difference from the outputs of the CPU.
        largest_output: The largest absolute output of the CPU, to judge the errors by.
    """

    delegate: str
    device: str
    software: bool
    agreement: float | None
    max_abs_error: float
    mean_abs_error: float
    largest_output: float


@dataclass(frozen=True)
class EvaluationRecord:
    """How a .tflite file did on a set of samples.

    Where several classes have the same score, the one with the lowest index stands first.

    Attributes:
        file: The .tflite file.
        samples: How many samples it ran on.
        top1: The share of samples whose label it found; None without labels.
        agreement: The share of samples on which its first choice is the reference's; None
            without reference outputs, or if those are not one row of scores per sample.
        max_abs_error: The largest difference from a reference output; None without reference.
        mean_abs_error: The mean difference from the reference outputs; None without reference.
        top5: The share of samples whose label is among its first five choices; None without
            labels or with five classes or fewer.
        calibration_error: The expected calibration error with 15 bins of equal width, of the
            outputs if they are probabilities and of their softmax if they are logits; None
            without labels or if they are neither.
        changed: Which class became which, the most frequent first; None where `agreement` is.
        worse_classes: The true classes of which fewer samples are found than by the reference,
            the worst first; None without labels or without reference.
        accelerator: Where it ran, if not on the CPU.
    """

    file: Path
    samples: int
    top1: float | None
    agreement: float | None
    max_abs_error: float | None
    mean_abs_error: float | None
    top5: float | None = None
    calibration_error: float | None = None
    changed: tuple[ChangedChoice, ...] | None = None
    worse_classes: tuple[WorseClass, ...] | None = None
    accelerator: DeviceRecord | None = None


@dataclass(frozen=True)
class LabelFigures:
    """What labels say of outputs: the attributes of these names of an `EvaluationRecord`."""

    top1: float | None
    top5: float | None
    calibration_error: float | None


@dataclass(frozen=True)
class ReferenceRecord:
    """How the reference that files are compared with did on the same samples.

    Attributes:
        name: The model's or its file's name.
        figures: Its own figures; each None without labels.
    """

    name: str
    figures: LabelFigures


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
class DeadChannelRecord:
    """The dead channels of a model, and what became of them in its int8 files.

    Attributes:
        layers: How many there are in each normalising layer that has any, by its name.
        total: How many there are in all.
        dropped: Whether the int8 files are without them.
        agreement: The share of the compared samples on which the float model chooses the same
            class without them; None if they are kept, or if the model has no classes.
        max_abs_error: The largest difference that dropping them makes to an output of the float
            model; None if they are kept.
    """

    layers: dict[str, int]
    total: int
    dropped: bool
    agreement: float | None
    max_abs_error: float | None


@dataclass(frozen=True)
class OneBitRecord:
    """The weights of a file that have one bit: a number or its negative, the same in a filter.

    Attributes:
        operators: How many operators have such weights.
        weights: How many weights these are.
        stored_bytes: What they take in the file.
        packed_bytes: What they would take for a kernel that reads bits: an eighth of a byte each,
            and a float32 factor for every filter.
    """

    operators: int
    weights: int
    stored_bytes: int
    packed_bytes: int


@dataclass(frozen=True)
class ConversionRecord:
    """A .tflite file that was written, and how it compares with the Keras model.

    Attributes:
        file: The .tflite file.
        precision: "float32", "float16" or "int8".
        size_bytes: Its size.
        ops: How often each operator occurs in it.
        evaluation: Its outputs against those of the Keras model.
        one_bit: Its weights of one bit; None if it has none.
    """

    file: Path
    precision: str
    size_bytes: int
    ops: dict[str, int]
    evaluation: EvaluationRecord
    one_bit: OneBitRecord | None = None
