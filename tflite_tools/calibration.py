"""The samples that int8 takes the ranges of its activations from."""

from collections.abc import Sequence
from typing import Any

from tflite_tools.datasets import load_labelled
from tflite_tools.samples import FloatArray


def load_samples(
    source: Any,
    sample_shape: Sequence[int],
    *,
    what: str,
    limit: int | None = None,
    preprocessing: str = "torch",
) -> FloatArray:
    """The samples of any source that `datasets.load_labelled` takes, without their labels."""
    loaded = load_labelled(
        source, sample_shape, what=what, limit=limit, preprocessing=preprocessing, labels="ignored"
    )
    return loaded.samples
