"""Any configuration on any input, against NumPy in float64.

`make test` tries a few hundred examples; HYPOTHESIS_EXAMPLES=2000 tries more.
"""

import os

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import ops
from support import reference
from support.reference import Convolution

from keras_finet.layers import FineGrainedBatchNorm

# Standard deviation and mean of the input, and the error that rounding them to float32 leaves:
# 2^-24 times mean / deviation, and what a sum over some hundred terms makes of it.
INPUTS = {
    "ordinary": (1.0, 0.3, 5e-5),
    "tiny": (1e-4, 0.0, 5e-5),
    "mean 100, std 0.1": (0.1, 100.0, 1e-2),
    "constant": (0.0, 3.0, 1e-3),
}
HALF = ("float16", "bfloat16")


@st.composite
def configurations(draw):
    """Arguments of a layer and the shape of an input that fits it."""
    kernel_size = draw(st.sampled_from([(1, 1), (1, 1), (3, 3), (2, 3), (1, 4)]))
    # No stride of 3: with one channel and one column of output the oneDNN kernel of TensorFlow 2.21
    # is wrong there (tf.nn.conv2d differs from its own float64 result by more than the result).
    strides = draw(st.sampled_from([(1, 1), (2, 2), (2, 1)]))
    dilation = draw(st.sampled_from([1, 2])) if strides == (1, 1) else 1
    padding = draw(st.sampled_from(["valid", "same"]))
    sides = [draw(st.integers(1, 7)) for _ in range(2)]
    reach = [(size - 1) * dilation + 1 for size in kernel_size]
    assume(
        padding == "same" or all(side >= least for side, least in zip(sides, reach, strict=True))
    )
    channels = draw(st.integers(1, 9))
    arguments = {
        "filters": draw(st.integers(1, 5)),
        "kernel_size": kernel_size,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation,
        "groups": draw(st.integers(1, channels)),
        "center": draw(st.booleans()),
        "scale": draw(st.booleans()),
        "statistics": draw(st.sampled_from(["auto", "auto", "direct"])),
    }
    return arguments, (draw(st.integers(1, 4)), *sides, channels)


@settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "150")), deadline=None, derandomize=True
)
@given(
    configuration=configurations(),
    kind=st.sampled_from(list(INPUTS)),
    dtype=st.sampled_from(["float32", "float32", "float32", *HALF]),
    seed=st.integers(0, 2**16),
)
def test_any_configuration_equals_numpy(configuration, kind, dtype, seed):
    arguments, shape = configuration
    deviation, average, tolerance = INPUTS[kind]
    rng = np.random.default_rng(seed)
    images = ops.cast(rng.normal(average, deviation, size=shape), dtype)
    policy = dtype if dtype == "float32" else f"mixed_{dtype}"
    layer = FineGrainedBatchNorm(**arguments, momentum=0.0, dtype=policy)
    layer.build(shape)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    weights = [layer.kernel, layer.gamma, layer.beta]
    kernel, gamma, beta = (None if w is None else as_array(w) for w in weights)
    groups = (len(layer.group_sizes), layer.filters)
    expected = reference.training_step(
        as_array(images),
        kernel,
        np.ones(groups) if gamma is None else gamma,
        np.zeros(groups) if beta is None else beta,
        layer.epsilon,
        Convolution(layer.strides, layer.padding, layer.dilation_rate),
        np.zeros(layer.compute_output_shape(shape)),
    )
    outputs = as_array(layer(images, training=True))
    mean, variance = as_array(layer.moving_mean), as_array(layer.moving_variance)
    assert np.isfinite(outputs).all()
    assert np.isfinite(mean).all()
    assert np.all(variance >= 0.0)
    if dtype in HALF:
        # A partial sum of few pixels may have no digits left, as after any convolution in half
        # precision; test_batch_forms has the bounds that hold for a reasonable number of them.
        return
    # Outputs are sums of terms near one, or smaller ones where epsilon outweighs the variance.
    scale = max(1.0, np.max(np.abs(expected.outputs)))
    assert np.max(np.abs(outputs - expected.outputs)) <= tolerance * scale
    deviation = np.sqrt(np.max(expected.variance))
    mean_scale = np.max(np.abs(expected.mean)) + deviation
    assert np.max(np.abs(mean - expected.mean)) <= 1e-5 * mean_scale
    least = (1e-6 * mean_scale) ** 2
    assert np.max(np.abs(variance - expected.variance)) <= tolerance * deviation**2 + least


def as_array(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))
