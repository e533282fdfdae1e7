"""The layer as a Keras citizen: arguments, modes, saving, stock twins."""

import inspect

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras.backend import backend
from support import reference, training
from support.hostile import randomize
from support.reference import Convolution

from keras_finet.layers import FineGrainedBatchNorm, Foldable


def as_array(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


class TestAgainstStockLayers:
    def test_one_group_is_convolution_and_batch_normalization(self):
        images = np.random.default_rng(0).normal(size=(6, 7, 7, 5)).astype("float32")
        ours = FineGrainedBatchNorm(4, 3, strides=2, padding="same", groups=1)
        theirs = keras.Sequential(
            [
                layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
                layers.BatchNormalization(),
            ]
        )
        self.assert_equal_training(ours, theirs, images, groups=1)

    @pytest.mark.parametrize("kernel_size", [1, 3])
    def test_groups_are_the_papers_construction(self, kernel_size):
        """Figure 3 in stock layers: a convolution and a normalisation a group, and their sum."""
        images = np.random.default_rng(0).normal(size=(6, 7, 7, 8)).astype("float32")
        ours = FineGrainedBatchNorm(4, kernel_size, padding="same", groups=3)
        inputs = keras.Input((7, 7, 8))
        partial_sums = []
        for channels in reference.split(8, 3):
            x = layers.Conv2D(4, kernel_size, padding="same", use_bias=False)(inputs[..., channels])
            partial_sums.append(layers.BatchNormalization()(x))
        theirs = keras.Model(inputs, layers.Add()(partial_sums))
        self.assert_equal_training(ours, theirs, images, groups=3)

    def assert_equal_training(self, ours, theirs, images, groups):
        """Copies our weights into the stock layers; three steps must be equal in everything."""
        ours.build(images.shape)
        theirs.build(images.shape) if not theirs.built else None
        randomize(ours)
        slices = reference.split(images.shape[-1], groups)
        convolutions = [layer for layer in theirs.layers if isinstance(layer, layers.Conv2D)]
        normalizations = [
            layer for layer in theirs.layers if isinstance(layer, layers.BatchNormalization)
        ]
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        for group, channels in enumerate(slices):
            convolutions[group].kernel.assign(as_array(ours.kernel)[:, :, channels])
            for name in names:
                getattr(normalizations[group], name).assign(as_array(getattr(ours, name))[group])
        rng = np.random.default_rng(1)
        for _ in range(3):
            upstream = rng.normal(size=ours.compute_output_shape(images.shape)).astype("float32")
            found = training.step(ours, images, upstream)
            expected = training.step(theirs, images, upstream)
            assert training.relative_error(found[0], expected[0]) < 2e-5
            assert training.relative_error(found[1], expected[1]) < 5e-5
            self.assert_equal_gradients(found[2], expected[2], slices)
            images = images * 1.5 + 0.3
        for name in names:
            stacked = [as_array(getattr(layer, name)) for layer in normalizations]
            assert training.relative_error(as_array(getattr(ours, name)), stacked) < 1e-5

    def assert_equal_gradients(self, found, expected, slices):
        """Compares kernel, gamma and beta group by group; a stock layer has those of one."""
        ours = {path.split("/")[-1]: gradient for path, gradient in found.items()}
        for name in ("kernel", "gamma", "beta"):
            theirs = [value for path, value in expected.items() if path.endswith(name)]
            for group, (channels, gradient) in enumerate(zip(slices, theirs, strict=True)):
                own = ours[name][:, :, channels] if name == "kernel" else ours[name][group]
                assert training.relative_error(own, gradient) < 5e-5, name

    def test_arguments_are_those_of_the_stock_layers(self):
        ours = inspect.signature(FineGrainedBatchNorm).parameters
        conv = inspect.signature(layers.Conv2D).parameters
        norm = inspect.signature(layers.BatchNormalization).parameters
        not_ours = {"use_bias", "bias_initializer", "bias_regularizer", "bias_constraint", "axis"}
        not_ours |= {name for name in {**conv, **norm} if name.startswith(("lora", "renorm"))}
        for name, parameter in {**norm, **conv}.items():
            if name in not_ours or parameter.kind is inspect.Parameter.VAR_KEYWORD:
                continue
            expected = {"groups": 4, "strides": 1, "dilation_rate": 1}.get(name, parameter.default)
            assert ours[name].default == expected, name
        extra = set(ours) - set(conv) - set(norm)
        assert extra == {"channels_per_group", "statistics"}


class TestInference:
    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    @pytest.mark.parametrize(
        ("kernel_size", "strides", "padding", "dilation"),
        [(1, 1, "valid", 1), (1, 2, "same", 1), (3, 2, "same", 1), ((3, 2), 1, "valid", (1, 2))],
    )
    def test_equals_equation_8_and_fold_equals_equation_9(
        self, kernel_size, strides, padding, dilation, data_format
    ):
        images = np.random.default_rng(0).normal(size=(3, 8, 9, 10)).astype("float32")
        layer = FineGrainedBatchNorm(
            5,
            kernel_size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation,
            data_format=data_format,
        )
        given = images if data_format == "channels_last" else images.transpose(0, 3, 1, 2)
        layer.build(given.shape)
        randomize(layer)
        names = ("kernel", "gamma", "beta", "moving_mean", "moving_variance")
        weights = [as_array(getattr(layer, name)) for name in names]
        conv = Convolution(layer.strides, padding, layer.dilation_rate)
        expected = reference.inference(images, *weights, layer.epsilon, conv)
        outputs = as_array(layer(given))
        if data_format == "channels_first":
            outputs = outputs.transpose(0, 2, 3, 1)
        assert training.relative_error(outputs, expected) < 1e-5
        kernel, bias = layer.fold()
        assert kernel.dtype == bias.dtype == np.float64
        folded = reference.convolve(images.astype("float64"), kernel, conv) + bias
        assert training.relative_error(folded, expected) < 1e-12

    @pytest.mark.parametrize("training_mode", [False, True])
    @pytest.mark.parametrize("kernel_size", [1, 3])
    def test_integer_images_are_cast(self, kernel_size, training_mode):
        images = np.random.default_rng(0).integers(0, 255, size=(2, 5, 5, 4)).astype("uint8")
        layer = FineGrainedBatchNorm(3, kernel_size)
        expected = as_array(layer(images.astype("float32"), training=training_mode))
        assert (
            training.relative_error(as_array(layer(images, training=training_mode)), expected)
            < 1e-5
        )

    def test_frozen_layer_is_in_inference_mode_and_keeps_its_statistics(self):
        images = np.random.default_rng(0).normal(3.0, 2.0, size=(4, 5, 5, 8)).astype("float32")
        layer = FineGrainedBatchNorm(3, 1)
        layer.build(images.shape)
        randomize(layer)
        layer.trainable = False
        before = [as_array(variable) for variable in layer.variables]
        outputs = as_array(layer(images, training=True))
        assert np.array_equal(outputs, as_array(layer(images, training=False)))
        after = [as_array(variable) for variable in layer.variables]
        assert all(map(np.array_equal, before, after))
        layer.trainable = True
        assert not np.allclose(outputs, as_array(layer(images, training=True)))

    def test_fold_of_an_unbuilt_layer_is_an_error(self):
        with pytest.raises(ValueError, match="to be built"):
            FineGrainedBatchNorm(3, 1).fold()

    def test_is_foldable_and_a_stock_convolution_is_not(self):
        assert isinstance(FineGrainedBatchNorm(3, 1), Foldable)
        assert not isinstance(layers.Conv2D(3, 1), Foldable)


class TestInModels:
    def test_statistics_move_exactly_once_a_step(self):
        """Recomputation in the backward pass must not move them a second time."""
        images = np.random.default_rng(0).normal(size=(8, 6, 6, 4)).astype("float32")
        model = keras.Sequential(
            [keras.Input((6, 6, 4)), FineGrainedBatchNorm(4, 3, groups=2, momentum=0.5)]
        )
        layer = model.layers[0]
        kernel = as_array(layer.kernel)
        zeros = np.zeros((2, 4))
        expected = reference.training_step(
            images, kernel, zeros + 1, zeros, 1e-3, Convolution(), np.zeros((8, 4, 4, 4))
        )
        model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
        targets = np.zeros((8, 4, 4, 4), "float32")
        model.fit(images, targets, batch_size=8, epochs=3, verbose=0)
        found = as_array(layer.moving_mean)
        assert training.relative_error(found, expected.mean * (1 - 0.5**3)) < 1e-5

    # Keras compiles torch models with a C++ tool chain that a user need not have.
    @pytest.mark.parametrize("jit_compile", [False, True][: 1 + (backend() != "torch")])
    def test_fits_with_dynamic_batch_and_image_size(self, jit_compile):
        model = keras.Sequential(
            [
                keras.Input((None, None, 3)),
                FineGrainedBatchNorm(8, 3, padding="same", groups=2, activation="relu"),
                FineGrainedBatchNorm(6, 1, strides=2, groups=4),
                layers.GlobalAveragePooling2D(),
            ]
        )
        model.compile(optimizer="sgd", loss="mse", jit_compile=jit_compile)
        rng = np.random.default_rng(0)
        for side in (9, 12):
            images = rng.normal(size=(7, side, side, 3)).astype("float32")
            model.fit(images, np.zeros((7, 6), "float32"), batch_size=4, verbose=0)
            assert model.predict(images, batch_size=5, verbose=0).shape == (7, 6)

    def test_clone_shares_nothing(self):
        model = keras.Sequential([keras.Input((4, 4, 6)), FineGrainedBatchNorm(3, 1, groups=3)])
        randomize(model)
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        images = np.random.default_rng(0).normal(size=(2, 4, 4, 6)).astype("float32")
        assert np.array_equal(as_array(clone(images)), as_array(model(images)))
        clone(images, training=True)
        assert not np.array_equal(clone.get_weights()[-1], model.get_weights()[-1])


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"filters": 0}, "Expected `filters` to be a positive integer. Received: 0"),
            ({"kernel_size": None}, "`kernel_size` to be a positive integer. Received: None"),
            ({"kernel_size": 3.0}, "`kernel_size` to be a positive integer"),
            ({"kernel_size": (3, 3, 3)}, "`kernel_size` to be an integer or two"),
            ({"strides": 0}, "`strides` to be a positive integer"),
            ({"strides": 2, "dilation_rate": 2}, "`strides` or `dilation_rate` to be 1"),
            ({"padding": "causal"}, "`padding` to be one of"),
            ({"data_format": "nchw"}, "`data_format` to be one of"),
            ({"groups": 0}, "`groups` to be a positive integer"),
            ({"groups": 2.0}, "`groups` to be a positive integer"),
            ({"channels_per_group": -1}, "`channels_per_group` to be a positive integer"),
            ({"groups": 2, "channels_per_group": 2}, "either `groups` or `channels_per_group`"),
            ({"momentum": 1.5}, r"`momentum` within \[0, 1\]"),
            ({"epsilon": 0.0}, "positive `epsilon`"),
            ({"statistics": "fast"}, "`statistics` to be one of"),
            ({"statistics": "moments", "kernel_size": 3}, "is for 1x1 kernels"),
        ],
        ids=str,
    )
    def test_bad_ones_say_what_was_expected(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            FineGrainedBatchNorm(**{"filters": 4, "kernel_size": 1, **arguments})

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((None, 8, 8, 3), "groups=4 for an input with 3 channels"),
            ((None, 8, 8, None), "known number of channels"),
            ((None, 64), "4 dimensions"),
        ],
    )
    def test_bad_inputs_say_what_was_expected(self, shape, message):
        with pytest.raises(ValueError, match=message):
            FineGrainedBatchNorm(4, 1).build(shape)

    def test_image_smaller_than_the_kernel_raises_as_a_convolution_does(self):
        with pytest.raises(ValueError, match=r"non-positive|negative|empty|[Ii]nvalid"):
            layers.Conv2D(4, 5).build((None, 3, 3, 8))
        with pytest.raises(ValueError, match=r"non-positive|negative|empty|[Ii]nvalid"):
            FineGrainedBatchNorm(4, 5).build((None, 3, 3, 8))

    @pytest.mark.parametrize(("channels", "groups"), [(100, 2), (30, 1), (200, 4)])
    def test_channels_per_group_sets_the_groups(self, channels, groups):
        layer = FineGrainedBatchNorm(4, 1, channels_per_group=50)
        layer.build((None, 2, 2, channels))
        assert layer.gamma.shape == (groups, 4)
