"""RSign, RPReLU and ShiftedReLU against their formulas in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops
from support import training

from keras_finet.layers import BranchScale, RPReLU, RSign, ShiftedReLU

# Around every kink, with the kinks themselves where their gradient is defined.
POINTS = np.array([-3.0, -1.0, -0.75, -0.25, 0.0, 0.25, 0.75, 1.0, 3.0], "float32")
UPSTREAM = np.random.default_rng(3).normal(size=(2, 3, 3, 2)).astype("float32")


def images():
    return np.stack([POINTS, POINTS[::-1]], axis=-1).reshape(1, 3, 3, 2).repeat(2, axis=0)


def run(layer, *weights, inputs=None):
    inputs = images() if inputs is None else inputs
    layer.build(inputs.shape)
    layer.set_weights([np.asarray(each, "float32") for each in weights])
    outputs, d_inputs, gradients = training.step(layer, inputs, UPSTREAM)
    return outputs, d_inputs, {path.split("/")[-1]: each for path, each in gradients.items()}


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_rsign_and_its_gradient_by_formula(scale):
    bias = np.array([0.0, 0.25])
    outputs, d_inputs, gradients = run(RSign(scale, data_format="channels_last"), bias)
    z = scale * images().astype("float64") + bias
    assert np.array_equal(outputs, np.where(z >= 0, 1.0, -1.0))
    slope = np.select([(z >= -1) & (z < 0), (z >= 0) & (z < 1)], [2 + 2 * z, 2 - 2 * z], 0.0)
    assert np.count_nonzero(slope) > 10
    assert training.relative_error(d_inputs, scale * slope * UPSTREAM) < 1e-6
    assert training.relative_error(gradients["bias"], (slope * UPSTREAM).sum((0, 1, 2))) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_rsign_has_two_values_exactly(dtype):
    inputs = np.random.default_rng(0).normal(size=(2, 64, 3)).astype("float32")
    inputs[0, 0] = 0.0, -0.0, 1e6
    outputs = ops.convert_to_numpy(ops.cast(RSign(dtype=dtype)(inputs), "float32"))
    assert set(np.unique(outputs)) == {-1.0, 1.0}
    assert (outputs[0, 0] == 1.0).all()


def test_rprelu_and_its_gradients_by_formula():
    shift_in, slope, shift_out = np.array([[0.1, -0.3], [0.25, -0.5], [2.0, -1.0]])
    outputs, d_inputs, gradients = run(
        RPReLU(data_format="channels_last"), shift_in, slope, shift_out
    )
    z = images().astype("float64") + shift_in
    assert training.relative_error(outputs, np.where(z > 0, z, slope * z) + shift_out) < 1e-6
    d_z = np.where(z > 0, 1.0, slope) * UPSTREAM
    assert training.relative_error(d_inputs, d_z) < 1e-6
    expected = {"shift_in": d_z, "slope": np.minimum(z, 0) * UPSTREAM, "shift_out": UPSTREAM}
    for name, values in expected.items():
        assert training.relative_error(gradients[name], values.sum((0, 1, 2))) < 1e-6, name


def test_rprelu_starts_as_a_leaky_relu_of_a_quarter():
    outputs = ops.convert_to_numpy(RPReLU()(POINTS.reshape(-1, 1)))
    assert np.array_equal(outputs[:, 0], np.where(POINTS > 0, POINTS, 0.25 * POINTS))


def test_shifted_relu_and_its_gradient_by_formula():
    inputs = images() + 0.1  # off the kink, where any slope from 0 to 1 is one
    outputs, d_inputs, _ = run(ShiftedReLU(), inputs=inputs)
    assert np.array_equal(outputs, np.maximum(inputs, -1))
    assert np.array_equal(d_inputs, UPSTREAM * (inputs > -1))


def test_branch_scale_and_its_gradients_by_formula():
    layer = BranchScale(1.44 / 3)
    outputs, d_inputs, gradients = training.step(layer, images(), UPSTREAM)
    scale = np.float32(1.44 / 3)
    assert training.relative_error(outputs, images() * scale) < 1e-6
    assert training.relative_error(d_inputs, UPSTREAM * scale) < 1e-6
    expected = (images().astype("float64") * UPSTREAM).sum()
    assert training.relative_error(*gradients.values(), expected) < 1e-6


@pytest.mark.parametrize("layer_class", [RSign, RPReLU])
def test_channels_are_where_the_data_format_says(layer_class):
    last, first = (
        layer_class(data_format="channels_last"),
        layer_class(data_format="channels_first"),
    )
    last.build((None, 3, 3, 2))
    first.build((None, 2, 3, 3))
    values = [
        np.array([0.4, -0.7], "float32") * factor for factor in range(1, 1 + len(last.weights))
    ]
    last.set_weights(values)
    first.set_weights(values)
    expected = ops.convert_to_numpy(last(images())).transpose(0, 3, 1, 2)
    got = ops.convert_to_numpy(first(images().transpose(0, 3, 1, 2)))
    assert np.array_equal(got, expected)


def test_an_unknown_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="known number of channels"):
        RSign(data_format="channels_last")(keras.Input((4, 4, None)))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), "wide"])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(ValueError, match="Expected `scale` to be a positive number"):
        RSign(scale)
