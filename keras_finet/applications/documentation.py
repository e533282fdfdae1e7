"""Docstrings of the builders: what they share stands here once."""

from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

# For the "Args:" section of every builder, in the order of the signature.
SHARED_ARGUMENTS = """\
    include_top: Whether to include the classifier. Not consulted with `features`.
    weights: None for random initialization, or the path of a `.weights.h5` or `.keras` file, as
        `keras_finet.load_weights` takes it. `"imagenet"` is an error: no checkpoint has been
        released.
    input_tensor: Optional symbolic tensor to use as the image.
    input_shape: Shape of one image, sides of at least 32 pixels. Defaults to 224 x 224 x 3
        with the top, to any size without.
    pooling: Without the top: None for the feature map, `"avg"` or `"max"` for a vector.
    classes: Number of classes.
    classifier_activation: Activation of the last layer; None gives logits.
    name: Name of the model.
    features: None, or the names of feature maps, for a backbone: the model then has no top,
        returns a dictionary of these feature maps in this order (on the torch backend Keras
        sorts it by name), and has only the layers that they need. Not with `pooling`."""


def documented(template: str, **values: str) -> Callable[[Function], Function]:
    """Makes a decorator that adds sections to a builder's one-line docstring.

    Args:
        template: What follows the first line, as text for `str.format`. It is given `name` (the
            builder's), `shared_arguments` (for the section "Args:") and `values`.
        **values: What differs between the builders of one template.
    """

    def add_sections(function: Function) -> Function:
        sections = template.format(
            name=function.__name__, shared_arguments=SHARED_ARGUMENTS, **values
        )
        function.__doc__ = f"{function.__doc__}\n\n{sections}"
        return function

    return add_sections
