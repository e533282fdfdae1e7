"""`FineGrainedBatchNorm`: a convolution whose groups of input channels are normalised apart.

In inference the moving statistics are constants, so the layer equals one convolution (eq. 9):

    W'_g = W_g * gamma_g / sqrt(var_g + epsilon)
    b'   = sum_g [ beta_g - mean_g * gamma_g / sqrt(var_g + epsilon) ]

The layer runs as that convolution in inference and hands it out through `fold`.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.arguments import positive_integer
from keras_finet.layers.batch_form import Form, Parameters, Settings
from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.conv_layer import ConvLayer
from keras_finet.layers.fold import ConvWeights, Float64Array, scale_and_offset, to_float64
from keras_finet.layers.grouping import group_of_channel, group_sizes
from keras_finet.layers.moment_form import normalize_by_moments
from keras_finet.layers.partial_sum_form import normalize_by_partial_sums, normalize_directly
from keras_finet.layers.recomputed_form import normalize_by_recomputed_partial_sums
from keras_finet.layers.replicas import replica_mean

DEFAULT_GROUPS = 4
STATISTICS = ("auto", "moments", "direct")
# Layers whose partial sums of this many images weigh no more than their kernel keep them: where
# maps are small, as late in a network, that takes little memory and saves a quarter of the time.
LIGHT_IMAGES = 16


@keras.saving.register_keras_serializable(package="keras_finet")
class FineGrainedBatchNorm(ConvLayer):
    """2D convolution with fine-grained batch normalisation.

    Splits the input channels into groups, batch-normalises each group's partial sum and adds them
    up. In training it acts like a layer `groups` times wider; for inference it folds exactly into
    one `Conv2D`. `groups=1` is `Conv2D(use_bias=False)` followed by `BatchNormalization`.

    Reference: [Luo et al., 2020](https://arxiv.org/abs/2005.06828), section 3, equations 4 and 9.

    Example:
    >>> layer = keras_finet.layers.FineGrainedBatchNorm(32, 1, groups=4, activation="relu")
    >>> layer(np.ones((2, 8, 8, 16), "float32"), training=True).shape
    (2, 8, 8, 32)

    Args:
        filters: Integer, number of output channels.
        kernel_size: Integer or pair of integers, size of the kernel in pixels.
        strides: Integer or pair of integers.
        padding: `"valid"` or `"same"`, as in `Conv2D`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        dilation_rate: Integer or pair of integers.
        groups: Integer, number of groups G of input channels. Group g holds the channels
            `[g * C / G, (g + 1) * C / G)`; where G does not divide C the sizes are as equal as
            possible, larger ones first (30 by 4: 8, 8, 7, 7).
        channels_per_group: Integer. If given, `groups` is left at its default and
            G = max(1, C // channels_per_group) (the paper's Table 6).
        activation: Activation function applied to the sum.
        momentum: Float, the part of a moving statistic that a training step keeps.
        epsilon: Float added to a variance before its root is taken.
        center: If True, each group has a learned offset beta.
        scale: If True, each group has a learned factor gamma.
        statistics: How a batch's statistics are computed. `"auto"` takes the cheapest exact form:
            for 1x1 kernels the moments of the input; for others one group after another, with its
            partial sum recomputed in the backward pass where that saves much memory (the partial
            sums of sixteen images weigh more than the kernel). `"moments"` insists on the first and
            `"direct"` leaves every partial sum to automatic differentiation. First derivatives
            are the same in all three. **Second derivatives and forward-mode differentiation need
            `"direct"`**: the others have gradients written out by hand, which are an error to
            differentiate again.
        synchronized: If True, statistics are those of the global batch across all replicas of a
            `tf.distribute` strategy (tensorflow backend only, as in `BatchNormalization`; on jax
            a sharded batch is one batch already). Averaged over the replicas are first the mean,
            then the variance about it: for 1x1 kernels C and G * filters numbers forward and
            (G + 1) * filters backward, for others twice G * filters each way. Keras' reduction
            sends three floats for each.
        kernel_initializer: Initializer of the kernel.
        gamma_initializer: Initializer of gamma.
        beta_initializer: Initializer of beta.
        moving_mean_initializer: Initializer of the moving mean.
        moving_variance_initializer: Initializer of the moving variance.
        kernel_regularizer: Optional regularizer of the kernel.
        gamma_regularizer: Optional regularizer of gamma.
        beta_regularizer: Optional regularizer of beta.
        activity_regularizer: Optional regularizer of the output.
        kernel_constraint: Optional constraint on the kernel.
        gamma_constraint: Optional constraint on gamma.
        beta_constraint: Optional constraint on beta.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` with `data_format="channels_first"`.
        training: If True (and the layer is trainable) the batch's own statistics normalise it and
            move the moving ones; otherwise the moving statistics do. As in `BatchNormalization`,
            `trainable = False` means inference mode.

    Attributes:
        kernel: Variable of shape `(kernel_height, kernel_width, channels, filters)`.
        gamma, beta: Variables of shape `(groups, filters)`, or None.
        moving_mean, moving_variance: Variables of shape `(groups, filters)`. The variance is the
            biased one, as in `BatchNormalization`.

    Moments, sums and moving statistics are in float32 whatever the compute dtype (in float64 in a
    float64 layer).

    Raises:
        ValueError: for an argument out of its range, both `groups` and `channels_per_group`, or
            (when built) more groups than channels; in training for an empty batch or an image
            smaller than the kernel, where their sizes are static.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = DEFAULT_GROUPS,
        channels_per_group: int | None = None,
        activation: Any = None,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        statistics: str = "auto",
        synchronized: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        gamma_initializer: Any = "ones",
        beta_initializer: Any = "zeros",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        kernel_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        gamma_constraint: Any = None,
        beta_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            **kwargs,
        )
        self.groups = positive_integer("groups", groups)
        self.channels_per_group = channels_per_group
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.statistics = statistics
        self.synchronized = synchronized
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_initializer = initializers.get(beta_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.beta_constraint = constraints.get(beta_constraint)
        self._check_arguments()

    def _check_arguments(self) -> None:
        if self.channels_per_group is not None:
            positive_integer("channels_per_group", self.channels_per_group)
            if self.groups != DEFAULT_GROUPS:
                raise ValueError(
                    "Expected either `groups` or `channels_per_group`. Received: "
                    f"groups={self.groups} and channels_per_group={self.channels_per_group}. "
                    "Leave one of them out."
                )
        if not 0.0 <= self.momentum <= 1.0:
            raise ValueError(f"Expected `momentum` within [0, 1]. Received: {self.momentum}")
        if not self.epsilon > 0.0:
            raise ValueError(f"Expected a positive `epsilon`. Received: {self.epsilon}")
        if self.statistics not in STATISTICS:
            raise ValueError(
                f"Expected `statistics` to be one of {STATISTICS}. Received: {self.statistics!r}"
            )
        if self.statistics == "moments" and self.kernel_size != (1, 1):
            raise ValueError(
                '`statistics="moments"` is for 1x1 kernels. Received: '
                f'kernel_size={self.kernel_size}. Use "auto".'
            )
        if self.synchronized and keras.backend.backend() != "tensorflow":
            raise ValueError(
                "`synchronized=True` is for the tensorflow backend, as in BatchNormalization. "
                f"Received: backend {keras.backend.backend()!r}. On jax the statistics of a "
                "sharded batch are those of the whole batch already."
            )

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs of `input_shape`."""
        channels = self._input_channels(input_shape)
        groups = self.groups
        if self.channels_per_group is not None:
            groups = max(1, channels // self.channels_per_group)
        self.group_sizes = group_sizes(channels, groups)
        super().build(input_shape)
        self._normalize = self._choose_form(self.compute_output_shape(input_shape))
        self.gamma = self._add_group_weight("gamma") if self.scale else None
        self.beta = self._add_group_weight("beta") if self.center else None
        self.moving_mean = self._add_group_weight("moving_mean", trainable=False)
        self.moving_variance = self._add_group_weight("moving_variance", trainable=False)

    def _add_group_weight(self, name: str, trainable: bool = True) -> Any:
        return self.add_weight(
            name=name,
            shape=(len(self.group_sizes), self.filters),
            initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer", None),
            constraint=getattr(self, f"{name}_constraint", None),
            trainable=trainable,
            autocast=False,
        )

    def _choose_form(self, output_shape: Shape) -> Form:
        if self.statistics == "direct":
            return normalize_directly
        pixels = self._pixels(output_shape)
        # Projecting a covariance costs C^2 * filters / G however few the pixels: a single pixel an
        # image never earns that back.
        if self.statistics == "moments" or (self.kernel_size == (1, 1) and pixels != 1):
            return normalize_by_moments
        # A collective operation must not run a second time in the backward pass.
        if self.synchronized or (pixels is not None and self._is_light(pixels)):
            return normalize_by_partial_sums
        return normalize_by_recomputed_partial_sums

    def _pixels(self, output_shape: Shape) -> int | None:
        height, width = output_shape[1:3] if self._channel_axis == -1 else output_shape[2:]
        return None if height is None or width is None else height * width

    def _is_light(self, pixels: int) -> bool:
        """Tells whether the partial sums of a few images weigh no more than the kernel."""
        partial_sums = LIGHT_IMAGES * pixels * len(self.group_sizes) * self.filters
        return partial_sums <= math.prod(self.kernel.shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Convolves, normalises and adds up the groups of `inputs`."""
        shape = inputs.shape
        inputs = self._to_channels_last(ops.cast(inputs, self.compute_dtype))
        if training and self.trainable:
            # TensorFlow fills the output of an image smaller than the kernel with anything.
            self.compute_output_shape(shape)
            outputs = self._normalize_batch(inputs)
        else:
            kernel, bias = self._fold(ops, *self._tensors())
            outputs = self._convolve(inputs, ops.cast(kernel, inputs.dtype))
            outputs = outputs + ops.cast(bias, inputs.dtype)
        return self.activation(self._from_channels_last(outputs))

    def _normalize_batch(self, inputs: Tensor) -> Tensor:
        if inputs.shape[0] == 0:
            raise ValueError(
                f"Layer {self.name!r} expects at least one image to take statistics from. "
                f"Received: a batch of shape {tuple(inputs.shape)} in training."
            )
        kernel, gamma, beta, *_ = self._tensors()
        settings = Settings(
            sizes=self.group_sizes,
            epsilon=self.epsilon,
            dtype=self._statistics_dtype,
            strides=self.strides,
            convolve=self._convolve,
            replica_mean=replica_mean if self.synchronized else _identity,
        )
        outputs, mean, variance = self._normalize(inputs, Parameters(kernel, gamma, beta), settings)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs

    @property
    def _statistics_dtype(self) -> str:
        # Not `result_type`, which makes float32 of the two on jax and torch.
        return "float64" if self.variable_dtype == "float64" else "float32"

    def _tensors(self) -> list[Tensor]:
        """Kernel, gamma, beta, moving mean and variance as tensors in the statistics' dtype."""
        shape = self.moving_mean.shape
        gamma = ops.ones(shape) if self.gamma is None else self.gamma
        beta = ops.zeros(shape) if self.beta is None else self.beta
        variables = (self.kernel, gamma, beta, self.moving_mean, self.moving_variance)
        return [ops.cast(variable, self._statistics_dtype) for variable in variables]

    def _fold(
        self, xp: Any, kernel: Any, gamma: Any, beta: Any, mean: Any, variance: Any
    ) -> tuple[Any, Any]:
        """Equation 9 in the arrays of `xp`: NumPy, or `keras.ops` inside a model."""
        scale, offset = scale_and_offset(gamma, beta, mean, variance, self.epsilon)
        factors = xp.take(scale, group_of_channel(self.group_sizes), axis=0)
        return kernel * factors, xp.sum(offset, axis=0)

    def fold(self) -> ConvWeights:
        """Returns the weights of the `Conv2D` that equals this layer in inference (eq. 9).

        Returns:
            `ConvWeights`, computed in float64: a kernel of shape `(kernel_height, kernel_width,
            channels, filters)` and a bias of shape `(filters,)`.

        Raises:
            ValueError: if the layer has not been built.
        """
        self._check_built()
        return ConvWeights(*self._fold(np, *map(to_float64, self._tensors())))

    def kernel_norms(self) -> Float64Array:
        """Returns the Euclidean norm of each group's kernel, by filter: `(groups, filters)`."""
        squares = np.square(to_float64(self.kernel)).sum(axis=(0, 1))
        starts = np.cumsum([0, *self.group_sizes[:-1]])
        return np.sqrt(np.add.reduceat(squares, starts, axis=0))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "groups": self.groups,
            "channels_per_group": self.channels_per_group,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "statistics": self.statistics,
            "synchronized": self.synchronized,
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "beta_constraint": constraints.serialize(self.beta_constraint),
        }


def _identity(vector: Tensor) -> Tensor:
    return vector
