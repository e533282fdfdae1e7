"""Adaptive gradient clipping against computations by hand, and inside Keras' training."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.programs import measured
from support.training import relative_error

from keras_finet.layers import SignDepthwiseConv2D
from keras_finet.optimizers import AdaptiveGradientClipping

RNG = np.random.default_rng(0)
FACTOR, EPSILON = 0.02, 1e-3
CHANNELS = {"data_format": "channels_last"}


def by_hand(weights, gradient, unit_of):
    """Clips in plain loops; `unit_of` names the unit that an index belongs to."""
    weights, gradient = weights.astype("float64"), gradient.astype("float64")
    units = {}
    for index in np.ndindex(weights.shape):
        units.setdefault(unit_of(index), []).append(index)
    clipped = gradient.copy()
    for indices in units.values():
        norm = np.sqrt(sum(gradient[index] ** 2 for index in indices))
        limit = FACTOR * max(np.sqrt(sum(weights[index] ** 2 for index in indices)), EPSILON)
        if norm >= limit:
            for index in indices:
                clipped[index] *= limit / max(norm, 1e-6)
    return clipped


# Of each layer: what tells the unit of an index into its kernel.
KERNELS = {
    "conv": (layers.Conv2D(3, (2, 3), **CHANNELS), lambda index: index[3]),
    "conv_of_one_filter": (layers.Conv2D(1, (2, 3), **CHANNELS), lambda index: 0),
    "pointwise": (layers.Conv2D(3, 1, **CHANNELS), lambda index: index[3]),
    "depthwise": (layers.DepthwiseConv2D(2, **CHANNELS), lambda index: index[2]),
    "depthwise_of_two": (
        layers.DepthwiseConv2D(2, depth_multiplier=2, **CHANNELS),
        lambda index: index[2:],
    ),
    "sign_depthwise": (SignDepthwiseConv2D(2, **CHANNELS), lambda index: index[2]),
    "prelu": (layers.PReLU(shared_axes=(1, 2)), lambda index: 0),
    "dense": (layers.Dense(3), lambda index: index[1]),
}
# Their shapes do not tell.
MISLEADING = ("conv_of_one_filter", "depthwise_of_two")


def model_of(layer):
    """The layer before a classifier."""
    layer = type(layer).from_config(layer.get_config())
    images = keras.Input((4, 5, 6))
    return keras.Model(images, layers.Dense(2, name="predictions")(layer(images))), layer


def applied(optimizer, variables, gradients):
    """What an SGD with learning rate 1 subtracts from the variables: the clipped gradients."""
    before = [ops.convert_to_numpy(variable).copy() for variable in variables]
    gradients = [None if each is None else ops.convert_to_tensor(each) for each in gradients]
    optimizer.apply(gradients, variables)
    return [
        old.astype("float64") - ops.convert_to_numpy(new)
        for old, new in zip(before, variables, strict=True)
    ]


def hostile(shape, scales):
    """Values whose units differ by orders of magnitude, along every axis but the first two."""
    values = RNG.normal(size=shape)
    for axis in range(len(shape)):
        factor = 10.0 ** RNG.uniform(*scales, size=shape[axis])
        values = values * factor.reshape([-1] + [1] * (len(shape) - axis - 1))
    return values.astype("float32")


@pytest.mark.parametrize(
    ("name", "for_model"),
    [(name, True) for name in KERNELS]
    + [(name, False) for name in KERNELS if name not in MISLEADING],
)
def test_every_unit_of_every_kind_of_layer_is_clipped_apart(name, for_model):
    layer, unit_of = KERNELS[name]
    model, layer = model_of(layer)
    make = AdaptiveGradientClipping
    sgd = keras.optimizers.SGD(1.0)
    optimizer = make.for_model(model, sgd) if for_model else make(sgd)
    variables = layer.trainable_variables
    weights = [hostile(variable.shape, (-1, 0.5)) for variable in variables]
    for variable, values in zip(variables, weights, strict=True):
        variable.assign(values)
    gradients = [hostile(variable.shape, (-0.5, 1)) for variable in variables]
    # A bias or other vector is one unit; gradients of 0 stay 0.
    expected = [
        by_hand(values, gradient, unit_of if index == 0 else lambda i: 0)
        for index, (values, gradient) in enumerate(zip(weights, gradients, strict=True))
    ]
    optimizer.build(model.trainable_variables)
    got = applied(optimizer, variables, gradients)
    for values, array, reference, gradient in zip(weights, got, expected, gradients, strict=True):
        # What is seen of a step is rounded as the weight that it was made from.
        allowed = 1e-5 * np.abs(reference) + 1.2e-7 * np.abs(values)
        assert (np.abs(array - reference) <= allowed).all()
        assert np.abs(reference - gradient).max() > 0.1 * np.abs(reference).max()


def test_units_within_the_limit_and_weights_of_zero():
    variable = keras.Variable(np.array([[3.0, 0.0], [4.0, 0.0]], "float32"), name="kernel")
    gradients = np.array([[0.06, 3.0], [-0.079, 4.0]], "float32")
    optimizer = AdaptiveGradientClipping(keras.optimizers.SGD(1.0))
    (got,) = applied(optimizer, [variable], [gradients])
    # The first column: norm 0.0992 of at most 0.02 * 5. The second: 5 of 0.02 * 0.001.
    assert relative_error(got[:, 0], gradients[:, 0]) < 1e-5
    assert relative_error(got[:, 1], gradients[:, 1] * 0.02 * 0.001 / 5) < 1e-5


def dense_pair(head="head"):
    """Two layers of two units, gradients far beyond the limit, and what they are clipped to."""
    net = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2, name="body"), layers.Dense(2, name=head)]
    )
    for variable in net.trainable_variables:
        variable.assign(np.ones(variable.shape))
    return net, [np.full(variable.shape, 9.0, "float32") for variable in net.trainable_variables]


def largest(steps):
    """By variable, the largest step of `dense_pair`: 9, or 0.02 where clipped."""
    return [round(float(np.abs(step).max()), 6) for step in steps]


@pytest.mark.parametrize("exclude", [("head",), ("head/kernel", "head/bias")])
def test_excluded_layers_are_not_clipped(exclude):
    net, gradients = dense_pair()
    optimizer = AdaptiveGradientClipping(keras.optimizers.SGD(1.0), exclude=exclude)
    assert largest(applied(optimizer, net.trainable_variables, gradients)) == [0.02, 0.02, 9.0, 9.0]


def test_the_classifier_is_excluded_by_its_usual_name_or_by_its_place():
    net, gradients = dense_pair("predictions")
    usual = AdaptiveGradientClipping(keras.optimizers.SGD(1.0))
    assert largest(applied(usual, net.trainable_variables, gradients)) == [0.02, 0.02, 9.0, 9.0]
    net, gradients = dense_pair("another")
    placed = AdaptiveGradientClipping.for_model(net, keras.optimizers.SGD(1.0))
    assert largest(applied(placed, net.trainable_variables, gradients)) == [0.02, 0.02, 9.0, 9.0]
    net, gradients = dense_pair("another")
    every = AdaptiveGradientClipping.for_model(net, keras.optimizers.SGD(1.0), exclude=())
    assert largest(applied(every, net.trainable_variables, gradients)) == 4 * [0.02]


def test_a_pointwise_convolution_is_a_classifier_and_a_larger_one_is_none():
    images = keras.Input((4, 4, 3))
    pointwise = keras.Model(images, layers.Conv2D(5, 1, name="last")(images))
    made = AdaptiveGradientClipping.for_model(pointwise, "sgd")
    assert made.exclude == ("last",)
    larger = keras.Model(images, layers.Conv2D(5, 3, name="last")(images))
    with pytest.raises(ValueError, match=r"Expected a classifier.* 'last', a Conv2D"):
        AdaptiveGradientClipping.for_model(larger, "sgd")


def test_missing_gradients_stay_missing():
    net, gradients = dense_pair()
    optimizer = AdaptiveGradientClipping(keras.optimizers.SGD(1.0), exclude=())
    optimizer.build(net.trainable_variables)
    gradients[1] = None
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        steps = applied(optimizer, net.trainable_variables, gradients)
    assert largest(steps) == [0.02, 0.0, 0.02, 0.02]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_factor": 0.0}, "Expected `clip_factor` to be a positive number"),
        ({"epsilon": -1.0}, "Expected `epsilon` to be a positive number"),
        ({"exclude": "head"}, "Expected `exclude` to be a list of names. Received: 'head'"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveGradientClipping("sgd", **options)


@pytest.mark.parametrize("argument", ["exclude", "axes"])
def test_names_of_nothing_that_is_trained_are_refused(argument):
    value = {"exclude": ["haed"], "axes": {"haed": (0,)}}[argument]
    optimizer = AdaptiveGradientClipping("sgd", **{argument: value})
    with pytest.raises(ValueError, match=f"Expected `{argument}` to name .* 'haed'.*body/kernel"):
        optimizer.build(dense_pair()[0].trainable_variables)


def test_no_optimizer_is_refused():
    with pytest.raises(ValueError, match=r"Expected an optimizer, or the name of one.*None"):
        AdaptiveGradientClipping(None)


@pytest.mark.parametrize("name", ["predictions", "logits"])
def test_this_package_s_classifiers_are_left_out_by_name(name):
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name=name)])
    net.compile(AdaptiveGradientClipping(keras.optimizers.SGD(1.0)), lambda y, p: 1e3 * p)
    before = keras.ops.convert_to_numpy(net.weights[1].value)
    net.train_on_batch(np.ones((2, 3), "float32"), np.zeros((2, 4), "float32"))
    moved = before - keras.ops.convert_to_numpy(net.weights[1].value)
    np.testing.assert_allclose(moved, 1e3 / 4, rtol=1e-6)


def test_an_optimizer_that_is_built_is_refused():
    built = keras.optimizers.Adam()
    built.build(dense_pair()[0].trainable_variables)
    with pytest.raises(ValueError, match=r"Expected an optimizer that is not built.*'adam"):
        AdaptiveGradientClipping(built)


def test_it_comes_back_from_its_configuration():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 20)
    net, _ = dense_pair()
    optimizer = AdaptiveGradientClipping.for_model(
        net,
        keras.optimizers.SGD(schedule, momentum=0.9),
        clip_factor=0.1,
        epsilon=1e-2,
        name="mine",
    )
    optimizer.axes = {"body/kernel": (0, 1)}
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert copy.get_config() == optimizer.get_config()
    assert copy.axes == optimizer.axes
    assert (copy.clip_factor, copy.epsilon, copy.exclude) == (0.1, 1e-2, ("head",))
    assert isinstance(copy.inner_optimizer.get_config()["learning_rate"], dict)


def network():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((5, 5, 2)),
            layers.Conv2D(4, 3, **CHANNELS),
            layers.DepthwiseConv2D(2, depth_multiplier=2, **CHANNELS),
            layers.PReLU(shared_axes=(1, 2)),
            layers.Flatten(),
            layers.Dense(3, name="predictions"),
        ]
    )


def data(steps=4):
    rng = np.random.default_rng(5)
    x = 10 * rng.normal(size=(4 * steps, 5, 5, 2)).astype("float32")
    return x, 10 * rng.normal(size=(4 * steps, 3)).astype("float32")


def fitted(optimizer, net=None):
    net = network() if net is None else net
    net.compile(optimizer, "mse", jit_compile=False)
    net.fit(*data(), batch_size=4, shuffle=False, verbose=0)
    return net


def test_fit_makes_steps_of_clipped_gradients():
    plain, clipped = network(), network()
    plain.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    optimizer = AdaptiveGradientClipping.for_model(clipped, keras.optimizers.SGD(1.0))
    clipped.compile(optimizer, "mse", jit_compile=False)
    x, y = data(1)
    start = plain.get_weights()
    for net in (plain, clipped):
        net.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    gradients = [old - new for old, new in zip(start, plain.get_weights(), strict=True)]
    steps = [old - new for old, new in zip(start, clipped.get_weights(), strict=True)]
    units = [lambda i: i[3], None, lambda i: i[2:], None, None]
    for index, unit_of in enumerate(units):
        whole = unit_of or (lambda i: 0)
        expected = by_hand(start[index], gradients[index], whole)
        assert relative_error(steps[index], expected) < 1e-3, index
        assert relative_error(steps[index], gradients[index]) > 0.1, index
    # The classifier, but for what rounding its large steps leaves.
    for index in (5, 6):
        assert relative_error(steps[index], gradients[index]) < 1e-5


def test_what_is_around_it_works_inside_too():
    """A schedule, momentum, decay, an average, and a scaled loss on either side."""

    def make(**options):
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.1, 0.01])
        return keras.optimizers.SGD(
            schedule, momentum=0.9, weight_decay=0.1, use_ema=True, ema_momentum=0.5, **options
        )

    scaled = keras.optimizers.LossScaleOptimizer
    expected = fitted(AdaptiveGradientClipping(make())).get_weights()
    others = {
        "inside": AdaptiveGradientClipping(scaled(make(), initial_scale=64.0)),
        "outside": scaled(AdaptiveGradientClipping(make()), initial_scale=64.0),
        "constant": AdaptiveGradientClipping(make(loss_scale_factor=64.0)),
        "twice": scaled(AdaptiveGradientClipping(make(loss_scale_factor=8.0)), initial_scale=64.0),
    }
    for name, optimizer in others.items():
        net = fitted(optimizer)
        for got, reference in zip(net.get_weights(), expected, strict=True):
            assert relative_error(got, reference) < 1e-5, name
        assert int(ops.convert_to_numpy(net.optimizer.iterations)) == 4
    # Without it, it even diverges.
    assert not relative_error(fitted(make()).get_weights()[0], expected[0]) < 0.1


def test_gradients_that_are_not_finite_skip_the_step_and_halve_the_scale():
    optimizer = AdaptiveGradientClipping(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=64.0)
    )
    net = network()
    net.compile(optimizer, "mse", jit_compile=False)
    before = net.get_weights()
    x, y = data(1)
    net.train_on_batch(np.full_like(x, np.inf), y)
    assert all(map(np.array_equal, net.get_weights(), before))
    assert float(ops.convert_to_numpy(optimizer.inner_optimizer.dynamic_scale)) == 32.0


def test_the_learning_rate_is_the_inner_ones():
    optimizer = AdaptiveGradientClipping(keras.optimizers.SGD(0.5))
    optimizer.learning_rate = 0.25
    assert float(ops.convert_to_numpy(optimizer.inner_optimizer.learning_rate)) == 0.25
    assert float(ops.convert_to_numpy(optimizer.learning_rate)) == 0.25


def test_training_goes_on_from_a_file_in_a_new_process(tmp_path):
    inner = keras.optimizers.Adam(0.05)
    net = network()
    fitted(AdaptiveGradientClipping.for_model(net, inner), net)
    net.save(tmp_path / "model.keras")
    x, y = data(1)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    files = [tmp_path / name for name in ("model.keras", "data.npz", "weights.npz")]
    assert measured("resume_training.py", *files) == "AdaptiveGradientClipping"
    net.train_on_batch(x, y)
    with np.load(files[-1]) as arrays:
        resumed = [arrays[name] for name in arrays]
    for got, expected in zip(resumed, net.get_weights(), strict=True):
        assert relative_error(got, expected) < 1e-6


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="what tf.distribute needs")
def test_replicas_clip_the_gradient_of_the_whole_batch():
    assert measured("clip_on_two_replicas.py") < 1e-5
