"""From a plan to the model with fine-grained batch normalisation."""

import keras
import numpy as np

from keras_finet.fine_grain.plan import FineGrainPlan, plan_fine_grain
from keras_finet.fine_grain.weights import split_normalization
from keras_finet.graph import Operation, copy_model
from keras_finet.layers import FineGrainedBatchNorm
from keras_finet.layers.fine_grained_batch_norm import DEFAULT_GROUPS
from keras_finet.layers.fold import constants_of, to_float64
from keras_finet.selection import Where

# What the one layer takes from the two.
CONVOLUTION_SETTINGS = (
    *("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate"),
    *("kernel_initializer", "kernel_regularizer", "kernel_constraint", "name", "trainable"),
)
NORMALIZATION_SETTINGS = (
    *("momentum", "epsilon", "center", "scale", "synchronized", "activity_regularizer"),
    *("gamma_initializer", "gamma_regularizer", "gamma_constraint"),
    *("beta_initializer", "beta_regularizer", "beta_constraint"),
    *("moving_mean_initializer", "moving_variance_initializer"),
)
REASONS_SHOWN = 8


def fine_grain(
    model: keras.Model, groups: int = DEFAULT_GROUPS, where: Where = None
) -> keras.Model:
    """Returns a copy of the model that trains with fine-grained batch normalisation.

    Every `Conv2D` whose output is read by one `BatchNormalization` and nothing else becomes, with
    it, a `FineGrainedBatchNorm` of the convolution's name, settings and weights. What stays, and
    why, is told by `plan_fine_grain`: depthwise, separable, transposed and grouped convolutions,
    those with fewer input channels than groups, with an activation before the normalisation, with
    an output used elsewhere, shared layers, custom subclasses, and pairs of which only one layer
    is frozen.

    The new model starts where the old one stands. In inference its outputs are the same up to
    rounding, for any number of groups. For training each group's moving variance and gamma are set
    by its share of the filter's squared norm, so that its first steps give activations of the
    original's scale (copying gamma into every group would make each layer's sqrt(groups) times
    larger); `groups=1` trains exactly as the original. Without a gamma (`scale=False`) a layer's
    activations do start sqrt(groups) times larger. A convolution's bias, which the normalisation
    takes off again, goes into the moving mean; penalties on it go. The algebra stands at the top
    of `keras_finet/fine_grain/weights.py`.

    Example:
    >>> model = keras.applications.MobileNetV2(weights=None)
    >>> print(keras_finet.plan_fine_grain(model, groups=4))
    >>> fine = keras_finet.fine_grain(model, groups=4)
    >>> pointwise = keras_finet.fine_grain(model, 4, where=lambda conv: conv.kernel_size == (1, 1))

    Args:
        model: A functional or a built Sequential model. It is not changed. Models inside it are
            converted too, and shared ones stay shared.
        groups: Integer, number of groups G of input channels. Where G does not divide the channels
            the groups are as equal as possible.
        where: What to convert. A function of a `Conv2D` that can be converted, which tells whether
            to; or names of convolutions, as the plan prints them (`"inner/conv"` in a nested
            model). Defaults to all.

    Returns:
        A new functional `keras.Model`, uncompiled. `fuse` turns it into the model that `fuse` makes
        of the original: the same layers.

    Raises:
        ValueError: if `model` is neither functional nor Sequential, or holds a layer that cannot be
            made again from its configuration; if `groups` is no positive integer; if `where` names
            a layer that is not there or cannot be converted; if there is nothing to convert.
    """
    plan = plan_fine_grain(model, groups, where)
    if not plan.converts:
        raise _nothing_to_convert(plan)
    return _rewrite(model, plan)


def _nothing_to_convert(plan: FineGrainPlan) -> ValueError:
    reasons = [f"  {refusal.layer}: {refusal.detail}" for refusal in plan.refusals]
    more = len(reasons) - REASONS_SHOWN
    if more > 0:
        reasons[REASONS_SHOWN:] = [f"  and {more} more"]
    listing = "\n".join(reasons) if reasons else "  it has no convolution"
    return ValueError(
        f"Expected a model with a Conv2D of at least {plan.groups} input channels, a "
        "BatchNormalization that alone reads it, and a `where` that selects it. Received: "
        f"{plan.model!r}, of which nothing can be converted:\n{listing}\n"
        "Use fewer `groups`, a wider `where`, or change what the reasons name; "
        "`print(plan_fine_grain(model))` lists all of it."
    )


def _rewrite(model: keras.Model, plan: FineGrainPlan) -> keras.Model:
    def replace(operation: Operation) -> keras.layers.Layer | None:
        if operation.name in plan.nested:
            return _rewrite(operation, plan.nested[operation.name])
        if operation.name in plan.pairs:
            normalization = model.get_layer(plan.pairs[operation.name])
            return _fine_grained_layer(operation, normalization, plan.groups)
        return None

    return copy_model(model, replace=replace, bypass=frozenset(plan.pairs.values()))


def _fine_grained_layer(
    convolution: keras.layers.Conv2D,
    normalization: keras.layers.BatchNormalization,
    groups: int,
) -> FineGrainedBatchNorm:
    layer = FineGrainedBatchNorm(
        groups=groups,
        dtype=convolution.dtype_policy,
        **{key: getattr(convolution, key) for key in CONVOLUTION_SETTINGS},
        **{key: getattr(normalization, key) for key in NORMALIZATION_SETTINGS},
    )
    # The shape of one input is all that a build needs, whichever call it belongs to.
    layer.build(convolution.input.shape)
    kernel = to_float64(convolution.kernel)
    bias = to_float64(convolution.bias) if convolution.use_bias else np.zeros(layer.filters)
    split = split_normalization(
        constants_of(normalization),
        kernel,
        bias,
        layer.epsilon,
        layer.group_sizes,
        scale=layer.scale,
    )
    values = {"kernel": kernel, "moving_mean": split.mean, "moving_variance": split.variance}
    values |= {"gamma": split.gamma} if layer.scale else {}
    values |= {"beta": split.beta} if layer.center else {}
    for name, value in values.items():
        getattr(layer, name).assign(value)
    return layer
