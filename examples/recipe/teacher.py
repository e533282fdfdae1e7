"""Training towards the class probabilities of another, trained network."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
from command_line import InputError
from keras import ops

from recipe.settings import Recipe
from recipe.sources import Source
from tflite_tools.errors import ToolError
from tflite_tools.loading import load_keras_model
from tflite_tools.provenance import file_hash

TOLERANCE = 1e-2  # of a sum of probabilities, which a teacher may compute in float16
LEAST = 1e-12


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A teacher's file.

    Attributes:
        file: The file.
        sha256: Its checksum, by which a run that is taken up knows it again.
    """

    file: Path
    sha256: str

    @classmethod
    def of(cls, file: Path) -> Teacher:
        """Reads the file's checksum.

        Raises:
            InputError: if it cannot be read.
        """
        try:
            return cls(file, file_hash(file))
        except OSError as error:
            raise InputError(f"--teacher {file}: cannot be read: {error.strerror}.") from error

    def model(self, recipe: Recipe, source: Source) -> Any:
        """Loads the network.

        Raises:
            InputError: if it is none for the recipe's images and classes.
        """
        try:
            model = load_keras_model(self.file)
        except ToolError as error:
            raise InputError(f"--teacher {error}") from error
        self._check(model, (recipe.image_size, recipe.image_size, 3), source)
        model.trainable = False
        return model

    def _check(self, model: Any, image: tuple[int, ...], source: Source) -> None:
        shapes = [tuple(each.shape[1:]) for each in model.inputs]
        fits = len(shapes) == 1 and len(shapes[0]) == 3
        if not fits or any(a not in (None, b) for a, b in zip(shapes[0], image, strict=True)):
            found = ", ".join(map(str, shapes))
            self._refuse(f"a network for images of shape {image}, as this recipe makes them", found)
        classes = len(source.class_names)
        outputs = [tuple(each.shape[1:]) for each in model.outputs]
        if outputs != [(classes,)]:
            found = ", ".join(map(str, outputs))
            self._refuse(f"a classifier of the {classes} classes of {source.name}", found)
        noise = np.random.default_rng(0).normal(size=(2, *image)).astype("float32")
        scores = ops.convert_to_numpy(model(noise, training=False)).astype("float64")
        if scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=TOLERANCE):
            self._refuse("class probabilities as outputs, as of a softmax", "other scores")

    def _refuse(self, expected: str, found: str) -> None:
        raise InputError(f"--teacher {self.file}: expected {expected}, got {found}.")


class TaughtModel(keras.Model):
    """A model whose loss is taken to a teacher's probabilities, not to the labels.

    Its metrics are of the labels. The teacher is no part of it: not of its weights, and so not of
    its checkpoints.

    Args:
        model: A functional model, whose layers this one shares.
        teacher: The trained network, or None once Keras makes a copy.
    """

    def __init__(self, *arguments: Any, teacher: Any = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Keras would track a model, and any list of models, as a part of this one.
        self._probabilities = functools.partial(teacher, training=False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        taught = ops.stop_gradient(self._probabilities(x))
        return super().compute_loss(x, taught, y_pred, sample_weight, training)


def taught(model: Any, teacher: Any) -> TaughtModel:
    """The same model, with the same layers, to be trained by a teacher."""
    return TaughtModel(model.inputs, model.outputs[0], teacher=teacher, name=model.name)


class Divergence(keras.losses.Loss):
    """Kullback and Leibler's divergence of a network's probabilities from a teacher's.

    `Σ p · log(p / q)` over the classes, p the teacher's and q the softmax of the network's logits:
    0 where both are the same. Its gradient is that of the cross-entropy to p.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        own = ops.log_softmax(y_pred, axis=-1)
        wanted = ops.log(ops.maximum(y_true, LEAST))
        return ops.sum(y_true * (wanted - own), axis=-1)
