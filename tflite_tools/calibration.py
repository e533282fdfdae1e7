"""The samples that int8 takes the ranges of its activations from, and what is odd about them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tflite_tools.datasets import LabelledSamples, load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.feeding import checked_pixels
from tflite_tools.preprocessing import Normalization
from tflite_tools.records import CalibrationRecord
from tflite_tools.samples import FloatArray

_WHAT = "calibration data"
_NAMED_AT_MOST = 3
_IMAGE_CHANNELS = (1, 3, 4)
# Values from 0 to something between these are pixels, whatever the darkest and brightest are.
_PIXELS = (16.0, 255.0)
# Parts of the width of the range in training: how far beyond its ends is far, how little of it
# is little.
_FAR_OUTSIDE = 0.25
_FAR_INSIDE = 0.25


@dataclass(frozen=True)
class Calibration:
    """Calibration samples and the record of them.

    Attributes:
        samples: `(N, ...)`, as the model is fed.
        record: Where they are from, their range, and what is odd about them.
    """

    samples: FloatArray
    record: CalibrationRecord


def load_calibration(
    source: Any,
    sample_shape: Sequence[int],
    *,
    split: str | None = "train",
    limit: int | None = None,
    preprocessing: str = "torch",
    skip_unreadable: bool = False,
    percentile: float | None = None,
    trained_range: tuple[float, float] | None = None,
    included: Normalization | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Calibration:
    """Loads calibration samples and refuses those that no range can be taken from.

    Args:
        source: As `datasets.load_labelled` takes it; labels are ignored.
        sample_shape: The shape of one sample.
        split: The split of a TFDS data set, or of an `.npz` file that has several.
        limit: At most so many samples.
        preprocessing: For images.
        skip_unreadable: Whether to leave out images of a folder that cannot be read.
        percentile: What the ranges of the activations will be cut to, for the record.
        trained_range: The smallest and the largest input in training, if known.
        included: The normalization that is part of the file: then the samples are pixels, and
            the record is of what they are normalised to.
        data_dir: Where TFDS data sets are.

    Raises:
        ToolError: The source cannot be used, or all samples are constant.
    """
    loaded = load_labelled(
        source,
        sample_shape,
        what=_WHAT,
        split=split,
        limit=limit,
        preprocessing=preprocessing,
        skip_unreadable=skip_unreadable,
        labels="ignored",
        data_dir=data_dir,
    )
    if included is None:
        return examined(loaded, percentile=percentile, trained_range=trained_range)
    pixels = checked_pixels(loaded.samples, what=_WHAT)
    loaded = replace(loaded, samples=included(pixels))
    return replace(
        examined(loaded, percentile=percentile, trained_range=trained_range), samples=pixels
    )


def examined(
    loaded: LabelledSamples,
    *,
    percentile: float | None = None,
    trained_range: tuple[float, float] | None = None,
) -> Calibration:
    """Loaded samples with the record of them; `load_calibration` describes the arguments.

    Raises:
        ToolError: All samples are constant.
    """
    constant = _constant_samples(loaded)
    low, high = float(loaded.samples.min()), float(loaded.samples.max())
    mean, std = _channel_moments(loaded.samples)
    record = CalibrationRecord(
        source=loaded.source,
        samples=len(loaded.samples),
        min=low,
        max=high,
        mean=mean,
        std=std,
        constant=constant,
        skipped=tuple(map(str, loaded.skipped)),
        percentile=percentile,
        trained_range=trained_range,
        warnings=(
            *_left_out(loaded),
            *_constant_warning(constant, len(loaded.samples)),
            *_range_warnings(low, high, trained_range, images=_are_images(loaded.samples)),
        ),
    )
    return Calibration(loaded.samples, record)


def _constant_samples(loaded: LabelledSamples) -> int:
    """How many samples hold one value, or one colour, only; refuses a set of nothing else."""
    samples = loaded.samples
    channels = samples.shape[-1] if _are_images(samples) else 1
    places = samples.reshape(len(samples), -1, channels)
    if places.shape[1] == 1:  # one value each: only the whole set can be constant
        constant = len(samples) if (samples == samples[0]).all() else 0
    else:
        constant = int((places == places[:, :1]).all(axis=(1, 2)).sum())
    if constant == len(samples):
        raise ToolError(
            f"{_WHAT}: {constant} of {len(samples)} samples of {loaded.source} are constant: one "
            "value or colour throughout, from which no range can be taken. Give samples as in "
            "training."
        )
    return constant


def _are_images(samples: FloatArray) -> bool:
    return samples.ndim == 4 and samples.shape[-1] in _IMAGE_CHANNELS


def _channel_moments(
    samples: FloatArray,
) -> tuple[tuple[float, ...], tuple[float, ...]] | tuple[None, None]:
    """The mean and the standard deviation of every channel of images."""
    if not _are_images(samples):
        return None, None
    axes = (0, 1, 2)
    mean, std = samples.mean(axes, np.float64), samples.std(axes, np.float64)
    return tuple(map(float, mean)), tuple(map(float, std))


def _left_out(loaded: LabelledSamples) -> Iterator[str]:
    if loaded.skipped:
        named = ", ".join(map(str, loaded.skipped[:_NAMED_AT_MOST]))
        more = len(loaded.skipped) - _NAMED_AT_MOST
        yield (
            f"{len(loaded.skipped)} of {len(loaded.skipped) + len(loaded.samples)} images could "
            f"not be read and were left out: {named}{f' and {more} more' if more > 0 else ''}."
        )


def _constant_warning(constant: int, count: int) -> Iterator[str]:
    if constant:
        yield (
            f"{constant} of {count} samples are constant, one value or colour throughout. Check "
            "that they are meant."
        )


def _range_warnings(
    low: float, high: float, trained: tuple[float, float] | None, *, images: bool
) -> Iterator[str]:
    values = f"the values run from {low:.3g} to {high:.3g}"
    if trained is None:
        if images and low >= 0 and _PIXELS[0] < high <= _PIXELS[1]:
            yield (
                f"{values}, as pixels that were not normalised. Unless the model was trained on "
                "such values, normalise them as in training."
            )
        return
    first, last = trained
    width = last - first
    training = f"in training they ran from {first:.3g} to {last:.3g} (model card)"
    if low < first - _FAR_OUTSIDE * width or high > last + _FAR_OUTSIDE * width:
        yield f"{values}, but {training}: far outside. Normalise them as in training."
    elif high - low < _FAR_INSIDE * width:
        yield (
            f"{values}, but {training}: a small part of it. Normalise them as in training, or give "
            "samples that differ more."
        )
