"""Classes by their names, where both a file and a data set tell them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tflite_tools.datasets import LabelledSamples
from tflite_tools.errors import ToolError


def by_name(labelled: LabelledSamples, names: Sequence[str] | None) -> LabelledSamples:
    """Gives the classes of a data set the indices that a model has for them.

    A folder with some of the classes, or with all of them in another order, so gets the right
    labels. Names that the model does not have leave the indices as they are.

    Args:
        labelled: The data set.
        names: The names of the model's classes, in order; None if they are not known.
    """
    own = labelled.class_names
    if names is None or own is None or labelled.labels is None:
        return labelled
    index = {name: position for position, name in enumerate(names)}
    if set(own) <= set(names):
        positions = np.array([index[name] for name in own])
        return replace(labelled, labels=positions[labelled.labels], class_names=tuple(names))
    for position, name in enumerate(own):
        if index.get(name, position) != position:
            raise ToolError(
                f"{labelled.source}: expected the classes of the model, got {name} as class "
                f"{position}, which is class {index[name]} of the model, and classes that it does "
                f"not have, {next(other for other in own if other not in index)} among them. Give "
                "the data set that the model was trained on."
            )
    return labelled
