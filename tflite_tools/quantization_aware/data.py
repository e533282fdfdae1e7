"""The samples of a quantisation-aware training: to train on, held back, and to calibrate with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tflite_tools.calibration import Calibration, examined
from tflite_tools.datasets import LabelledSamples, check_classes, check_source, load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.samples import AnyArray, FloatArray, spread

# Of the samples, where none are given to be held back.
_HELD_BACK = 0.1


@dataclass(frozen=True)
class TrainingData:
    """What a training needs.

    Attributes:
        samples: To train on; their labels are not needed.
        held_back: To choose the best epoch and the better file by.
        calibration: To take ranges of activations from, and what is odd about them.
        trained_on: What the report calls the samples.
        held_back_from: What it calls those held back.
    """

    samples: FloatArray
    held_back: LabelledSamples
    calibration: Calibration
    trained_on: str
    held_back_from: str


def check_sources(sources: Mapping[str, Any], preprocessing: str) -> None:
    """Refuses what can be seen to be wrong without loading anything.

    Args:
        sources: By what messages call them; None for one that is not given.
        preprocessing: How images would be preprocessed.
    """
    for what, source in sources.items():
        if source is not None:
            check_source(source, what=what, limit=None, preprocessing=preprocessing)


def load_training_data(
    images: Any,
    labels: Any,
    sample_shape: Sequence[int],
    classes: int | None,
    *,
    validation: Any,
    calibration: Any,
    split: str | None,
    validation_split: str | None,
    limit: int | None,
    calibration_samples: int | None,
    trained_range: tuple[float, float] | None,
    **options: Any,
) -> TrainingData:
    """Loads all samples that a training needs, and checks them.

    Args:
        images: As `datasets.load_labelled` takes them.
        labels: Their class indices, if `images` does not have them.
        sample_shape: The shape of one sample.
        classes: How many the model tells apart; None if it is no classifier.
        validation: Samples to hold back, in any form of `images`; None to take a tenth of those.
        calibration: Samples to calibrate with; None to take them from those trained on.
        split: Which split of a data set `images` and `calibration` mean.
        validation_split: Which split `validation` means, or of `images`, if there is none.
        limit: At most so many samples to train on.
        calibration_samples: At most so many to calibrate with.
        trained_range: The smallest and the largest input in training, if known.
        **options: Further ones of `datasets.load_labelled`.
    """
    source = images if labels is None else _pair(images, labels)
    given = load_labelled(
        source, sample_shape, what="training data", split=split, limit=limit, **options
    )
    if validation is None and validation_split is not None:
        validation = source
    if validation is None:
        given, held_back = _held_back(given)
    else:
        held_back = load_labelled(
            validation, sample_shape, what="validation data", split=validation_split, **options
        )
    for each in (given, held_back):
        if classes is not None and each.labels is not None:
            check_classes(each, classes)
    calibrating = given
    if calibration is not None:
        calibrating = load_labelled(
            *(calibration, sample_shape),
            what="calibration data",
            split=split,
            limit=calibration_samples,
            **{**options, "labels": "ignored"},
        )
    chosen = calibrating.samples[spread(len(calibrating.samples), calibration_samples)]
    calibrating = replace(calibrating, samples=chosen, labels=None)
    return TrainingData(
        samples=given.samples,
        held_back=held_back,
        calibration=examined(calibrating, trained_range=trained_range),
        trained_on=_told(given.samples, given.source),
        held_back_from=_told(held_back.samples, held_back.source),
    )


def _pair(images: Any, labels: Any) -> tuple[Any, Any]:
    if not hasattr(images, "__array__"):
        raise ToolError(
            "labels: expected them with an array of images only, got them with "
            f"{type(images).__name__}. A path or an iterable brings its own."
        )
    return images, np.asarray(labels)


def _held_back(given: LabelledSamples) -> tuple[LabelledSamples, LabelledSamples]:
    """Splits evenly spread samples off, which are of all classes if the samples are in order."""
    count = len(given.samples)
    if count < 2:
        raise ToolError(
            f"training data: expected two samples or more, one of them to be held back, got "
            f"{count}. Give more, or validation data of their own."
        )
    chosen = np.zeros(count, bool)
    chosen[spread(count, max(1, round(_HELD_BACK * count)))] = True
    return _part(given, ~chosen), _part(given, chosen)


def _part(samples: LabelledSamples, chosen: AnyArray) -> LabelledSamples:
    labels = None if samples.labels is None else samples.labels[chosen]
    return replace(samples, samples=samples.samples[chosen], labels=labels)


def _told(samples: FloatArray, source: str) -> str:
    return f"{len(samples)} samples of {source}"
