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

# For the same section of those that take a scheme.
NORMALIZATION_ARGUMENT = """\
    normalization: `"fbn"`, or one of three ways to train without normalised activations. Each
        deploys through `fuse` and `convert` as well. The names of convolutions stay the same.

        - `"shifted_relu"` (arXiv 1907.06916): weights of one bit, `max(x, -1)` where there was
          normalisation and ReLU, nothing where there was normalisation alone, no biases, the
          image normalised, scores divided by {temperature}. Faithful to the paper are these.
          Extrapolations are the constants that weights are multiplied by: the paper's
          `sqrt(2 / fan_in)` lets signals grow, which so many convolutions do not stand, so here
          they keep a variance of 1 as it is expected before training, and a branch that is added
          to a shortcut counts half. So are depthwise weights, the activation behind a sum,
          squeeze-excite, hidden fully connected layers, and that temperature.
        - `"mimic_norm"` (MimicNorm): biases, the mean of a filter's weights kept at zero, learned
          factors at the end of branches, and batch normalisation, without factors and offsets,
          of the scores. Not centred are depthwise and fully connected layers, and a first
          convolution of 50 weights a filter or fewer, as in the authors' code; squeeze-excite
          counted among the fully connected layers is an extrapolation.
        - `"normalizer_free"` (arXiv 2101.08692): standardised weights and biases, ReLU times 1.713,
          blocks `x + 0.2 g branch(x / sqrt(v))` with the expected variance v of x and a learned g
          that starts at zero, squeeze-excite twice its sigmoid. To be trained with
          `keras_finet.optimizers.AdaptiveGradientClipping`. An extrapolation is that ReLU stands
          behind the sum."""


def documented(template: str, **values: str) -> Callable[[Function], Function]:
    """Makes a decorator that adds sections to a builder's one-line docstring.

    Args:
        template: What follows the first line, as text for `str.format`. It is given `name` (the
            builder's), `shared_arguments` and, for the value `temperature`, `normalization` (for
            the section "Args:"), and `values`.
        **values: What differs between the builders of one template.
    """

    def add_sections(function: Function) -> Function:
        sections = template.format(
            name=function.__name__,
            shared_arguments=SHARED_ARGUMENTS,
            normalization=NORMALIZATION_ARGUMENT.format(temperature=values.get("temperature")),
            **values,
        )
        function.__doc__ = f"{function.__doc__}\n\n{sections}"
        return function

    return add_sections
