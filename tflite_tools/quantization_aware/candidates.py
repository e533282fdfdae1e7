"""Networks as int8 files: converted, checked, and compared with the Keras model."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tflite_tools.converter import tflite_contents
from tflite_tools.datasets import LabelledSamples
from tflite_tools.evaluation import evaluate
from tflite_tools.graph_spec import GraphSpec
from tflite_tools.quantization_aware.records import QatFigures
from tflite_tools.quantize import Quantization, check_integer_only, check_requantization
from tflite_tools.samples import AnyArray
from tflite_tools.scoring import label_figures


@dataclass(frozen=True)
class Candidate:
    """An int8 file that could be kept.

    Attributes:
        content: The file.
        figures: How it does on the samples held back.
    """

    content: bytes
    figures: QatFigures


def int8_candidate(
    network: str,
    spec: GraphSpec,
    quantization: Quantization,
    held_back: LabelledSamples,
    reference: AnyArray,
) -> Candidate:
    """Converts a network as `convert` does, and runs it.

    Args:
        network: "ptq" or "qat".
        spec: The network.
        quantization: How to quantise it.
        held_back: Samples, and labels if there are any.
        reference: What the Keras model answers for them.
    """
    (content,) = tflite_contents(spec, ["int8"], quantization=quantization)
    name = f"{spec.name} ({network})"
    check_integer_only(content, name)
    check_requantization(content, name)
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as folder:
        file = Path(folder) / f"{network}.tflite"
        file.write_bytes(content)
        found = evaluate(file, held_back.samples, held_back.labels, reference_outputs=reference)
    assert found.mean_abs_error is not None  # there is a reference
    assert found.max_abs_error is not None
    figures = QatFigures(
        network, found.top1, found.agreement, found.mean_abs_error, found.max_abs_error
    )
    return Candidate(content, figures)


def float_figures(reference: AnyArray, labels: AnyArray | None) -> QatFigures:
    """How the Keras model itself does."""
    agreement = 1.0 if reference.ndim == 2 and reference.shape[1] > 1 else None
    return QatFigures("float", label_figures(reference, labels).top1, agreement, 0.0, 0.0)


def better(trained: Candidate, post_training: Candidate, samples: int) -> Candidate:
    """The one whose outputs are nearer to the Keras model's; not one that finds fewer labels.

    On samples like those of the training nearly all labels are found whatever is done, and a
    label more or less says nothing: the mean error tells two files apart where top-1 does not.

    Args:
        trained: With trained weights.
        post_training: Without.
        samples: How many samples their figures are from.
    """
    new, old = trained.figures, post_training.figures
    if new.top1 is not None and old.top1 is not None:
        noise = max(1 / samples, math.sqrt(old.top1 * (1 - old.top1) / samples))
        if old.top1 - new.top1 > 1.001 * noise:
            return post_training
    return trained if new.mean_abs_error < old.mean_abs_error else post_training
