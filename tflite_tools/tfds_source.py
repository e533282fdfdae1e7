"""Images and labels from prepared TensorFlow Datasets (TFDS). Nothing is ever downloaded."""

import difflib
import importlib.util
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.images import ImageShape
from tflite_tools.preprocessing import normalization
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

# A name, a configuration and a version, as tfds.builder reads them: imagenet_v2/top-images:3.0.0
_NAME = re.compile(r"[a-z]\w*(/[\w.-]*\w)?(:[\d.*]+)?")
_NEAREST = 5
_LEAST_SIMILAR = 0.75
_LONGEST_REASON = 200


class TfdsImages(NamedTuple):
    """Images of a split, preprocessed, with what is known of their classes."""

    pixels: FloatArray
    labels: Any
    class_names: tuple[str, ...] | None


def is_tfds_name(text: str) -> bool:
    """Whether a text can be the name of a TFDS data set."""
    return _NAME.fullmatch(text) is not None


def check_installed(name: str) -> None:
    """Refuses a name that would need TFDS where that is not installed."""
    if importlib.util.find_spec("tensorflow_datasets") is None:
        raise ToolError(
            f"{name}: no such file or folder, and tensorflow-datasets, in which it could be a data "
            "set, is not installed. Install it with: pip install 'keras-finet[datasets]'"
        )


def load_tfds(
    name: str,
    sample_shape: Sequence[int],
    *,
    split: str | None,
    limit: int | None,
    preprocessing: str,
    data_dir: str | os.PathLike[str] | None = None,
) -> TfdsImages:
    """Reads a split of a data set that has been prepared on this machine.

    Args:
        name: As `tfds.builder` takes it, such as "cifar10" or "imagenet_v2/top-images:3.0.0".
        sample_shape: `(height, width, channels)`, with 1 channel or 3.
        split: As TFDS writes it, such as "test" or "train[:10%]".
        limit: At most so many images: the first, which TFDS has shuffled, or, if it has not,
            evenly spread ones.
        preprocessing: One of `preprocessing.PREPROCESSING`.
        data_dir: Where the data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets.
    """
    check_installed(name)
    with silenced():
        # First: what is no data set may be a folder that is not there.
        builder = prepared_builder(name, data_dir)
        shape = ImageShape(sample_shape, source=name)
        normalize = normalization(preprocessing, shape.channels)
        features = image_features(name, builder.info)
        rows = _rows(name, builder, split, limit)
        pixels, labels = [], []
        try:
            for row in rows.as_numpy_iterator():
                pixels.append(shape.pixels(_as_image(row[features.image])))
                labels.append(row[features.label] if features.label else None)
        # Damaged records raise TensorFlow's errors, what an image holds can raise Pillow's.
        except Exception as error:
            raise ToolError(
                f"{name}: record {len(pixels)} of split {split} cannot be read: {brief(error)}. "
                "Prepare the data set again."
            ) from error
    return TfdsImages(
        normalize(np.stack(pixels)),
        labels if features.label else None,
        features.class_names,
    )


class ImageFeatures(NamedTuple):
    """Which features of a data set hold an image and its class, and the names of the classes."""

    image: str
    label: str | None
    class_names: tuple[str, ...] | None


def prepared_builder(name: str, data_dir: str | os.PathLike[str] | None = None) -> Any:
    """Opens a data set that has been prepared on this machine.

    Args:
        name: As `tfds.builder` takes it.
        data_dir: Where the data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets.

    Returns:
        The `tfds.core.DatasetBuilder`.

    Raises:
        ToolError: if there is no such data set, or it is not prepared.
    """
    check_installed(name)
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        raise ToolError(
            f"{name}: no such file or folder, and TFDS has no data set of that name{_near(name)}."
        ) from error
    # Of a configuration or a version that does not exist, of metadata that are damaged.
    except Exception as error:
        raise ToolError(f"{name}: TFDS cannot open the data set: {brief(error)}.") from error
    # Before anything else: what is not prepared would be looked for in a cloud bucket.
    if not builder.is_prepared():
        raise ToolError(
            f"{name}: the data set is not prepared in {data_dir or '~/tensorflow_datasets'}, and "
            f"nothing is downloaded here. Prepare it once with: tfds build {name}"
            + (f" --data_dir {data_dir}" if data_dir else "")
            + _manual_downloads(builder, data_dir)
        )
    return builder


def _manual_downloads(builder: Any, data_dir: Any) -> str:
    """What `tfds build` cannot fetch by itself, such as ImageNet's archives."""
    if not builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        return ""
    return (
        f" after putting what it cannot download into {data_dir or '~/tensorflow_datasets'}"
        f"/downloads/manual: https://www.tensorflow.org/datasets/catalog/{builder.name}"
    )


def _near(name: str) -> str:
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    near = difflib.get_close_matches(re.split("[/:]", name)[0], known, _NEAREST, _LEAST_SIMILAR)
    return f"; near it: {', '.join(near)}" if near else ""


def image_features(name: str, info: Any) -> ImageFeatures:
    """Which features hold the image and its class; refuses a data set without images."""
    import tensorflow_datasets as tfds

    features = dict(info.features) if hasattr(info.features, "items") else {}
    images = [key for key, value in features.items() if _holds_an_image(value)]
    classes = [
        key for key, value in features.items() if isinstance(value, tfds.features.ClassLabel)
    ]
    if not images:
        there = ", ".join(sorted(features)) or type(info.features).__name__
        raise ToolError(
            f"{name}: expected a data set of images, got one with the features {there}. Give the "
            "samples as an .npz file with the arrays x and y."
        )
    image = "image" if "image" in images else images[0]
    label = "label" if "label" in classes else next(iter(classes), None)
    names = tuple(features[label].names) if label else None
    return ImageFeatures(image, label, names)


def _holds_an_image(feature: Any) -> bool:
    shape: tuple[int | None, ...] = getattr(feature, "shape", None) or ()
    return len(shape) == 3 and shape[-1] in (1, 3, 4) and np.dtype(feature.np_dtype) == np.uint8


def _rows(name: str, builder: Any, split: str | None, limit: int | None) -> Any:
    available = ", ".join(builder.info.splits)
    if not split:
        raise ToolError(f"{name}: expected the name of a split, one of {available}, got none.")
    try:
        count = builder.info.splits[split].num_examples
        rows = builder.as_dataset(split=split, shuffle_files=False) if count else None
    except (ValueError, KeyError) as error:
        raise ToolError(
            f"{name}: expected one of the splits {available}, or a part such as train[:10%], got "
            f"{split}."
        ) from error
    if rows is None:
        raise ToolError(f"{name}: expected images in split {split}, got none.")
    if limit is not None and builder.info.disable_shuffling and limit < count:
        rows = rows.shard(count // limit, 0)
    return rows if limit is None else rows.take(limit)


def _as_image(pixels: np.ndarray[Any, Any]) -> Any:
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def brief(error: Exception) -> str:
    """An error's type and the beginning of its text, on one line and without a full stop."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:_LONGEST_REASON]}".rstrip(".: ")
