"""Steps of every scheme and of every paper's network, cut short, on whichever backend runs."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_finet import (
    AdaptiveGradientClipping,
    CifarVGG16,
    FinetSmall,
    ReActNet18,
    ReActNetA,
    ResNet18,
    WideResNet,
)

SIZE = (32, 32, 3)
CLASSES = 3
RATE = 1e-3
CLIP_FACTOR, LEAST_NORM = 0.02, 1e-3
SCHEMES = ("fbn", "shifted_relu", "mimic_norm", "normalizer_free")


@pytest.fixture(autouse=True)
def _channels_last():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    keras.utils.set_random_seed(3)
    yield
    keras.config.set_image_data_format(before)


def finet(scheme):
    return cut(FinetSmall, "stage2", normalization=scheme, stem="cifar", squeeze_excite=False)


def cut(builder, feature, **arguments):
    """The network up to a feature, and scores of its own."""
    backbone = builder(input_shape=SIZE, features=(feature,), **arguments)
    x = layers.GlobalAveragePooling2D(name="scores_pool")(backbone.output[feature])
    return keras.Model(backbone.input, layers.Dense(CLASSES, name="scores")(x))


NETWORKS = {
    "wide_resnet": lambda: WideResNet(depth=8, width=1, classes=CLASSES, **WHOLE),
    "wide_resnet, batch_norm": lambda: WideResNet(
        depth=8, width=1, normalization="batch_norm", classes=CLASSES, **WHOLE
    ),
    "wide_resnet, float": lambda: WideResNet(
        depth=8, width=1, binary=False, classes=CLASSES, **WHOLE
    ),
    "reactnet_a": lambda: ReActNetA(widths=(4, 8), classes=CLASSES, stem="cifar", **WHOLE),
    "reactnet_a, first step": lambda: ReActNetA(
        widths=(4, 8), classes=CLASSES, stem="cifar", binary_weights=False, **WHOLE
    ),
    "reactnet_a, batch_norm": lambda: ReActNetA(
        widths=(4, 8), classes=CLASSES, stem="cifar", normalization="batch_norm", **WHOLE
    ),
    "reactnet_18": lambda: cut(ReActNet18, "stage2"),
    "resnet18, mimic_norm": lambda: cut(ResNet18, "stage2", normalization="mimic_norm"),
    "cifar_vgg16, mimic_norm": lambda: cut(CifarVGG16, "stage2", normalization="mimic_norm"),
}
WHOLE = {"input_shape": SIZE, "classifier_activation": None}


def batch(scale=1.0):
    rng = np.random.default_rng(7)
    images = rng.normal(size=(4, *SIZE)).astype("float32")
    targets = scale * rng.normal(size=(4, CLASSES))
    return images, targets.astype("float32")


def compiled(model, optimizer):
    on_jax = keras.backend.backend() == "jax"
    eagerly = keras.backend.backend() == "tensorflow"  # to trace takes longer than the steps
    model.compile(optimizer, "mse", jit_compile=on_jax, run_eagerly=eagerly)
    return model


def values(model):
    return [
        np.array(ops.convert_to_numpy(each.value), "float64") for each in model.trainable_weights
    ]


def loss_of_step(model, images, targets):
    """Of this step alone: Keras' own figure is the mean since the last reset."""
    loss = float(model.train_on_batch(images, targets))
    model.reset_metrics()
    return loss


def stepped(model, images, targets):
    """The loss in front of the step and behind it, as training computes them, and the weights."""
    before = values(model)
    loss = loss_of_step(model, images, targets)
    after = values(model)
    return loss, loss_of_step(model, images, targets), before, after


@pytest.mark.parametrize("scheme", ["fbn", "mimic_norm", "normalizer_free"])
def test_a_step_lowers_the_loss_as_far_as_its_length_says(scheme):
    """By `|Δw|² / rate` in a small step, if it is along the gradient (or its projection)."""
    model = compiled(finet(scheme), keras.optimizers.SGD(RATE))
    first, second, before, after = stepped(model, *batch())
    length = sum(np.sum((b - a) ** 2) for b, a in zip(before, after, strict=True))
    assert first - second == pytest.approx(length / RATE, rel=0.1)
    assert first - second > 1e-4 * first


def test_clipped_filters_move_by_a_share_of_their_norm():
    model = finet("normalizer_free")
    optimizer = AdaptiveGradientClipping.for_model(
        model, keras.optimizers.SGD(0.05), clip_factor=CLIP_FACTOR
    )
    compiled(model, optimizer)
    first, second, before, after = stepped(model, *batch(scale=100.0))
    assert second < first
    paths = [each.path for each in model.trainable_weights]
    kernels = 0
    for path, old, new in zip(paths, before, after, strict=True):
        if not path.endswith("/kernel") or path.startswith("scores"):
            continue
        # Of a depthwise kernel (3, 3, C, 1) each channel is a unit.
        axes = (0, 1) if old.shape[-1] == 1 else (0, 1, 2)
        moved, norm = (np.sqrt(np.sum(each**2, axes)) for each in (new - old, old))
        wanted = 0.05 * CLIP_FACTOR * np.maximum(norm, LEAST_NORM)
        np.testing.assert_array_less(moved, wanted * (1 + 1e-3), err_msg=path)
        kernels += np.count_nonzero(moved > 0.999 * wanted)
    assert kernels > 50


@pytest.mark.parametrize("name", ["shifted_relu", *NETWORKS])
def test_all_weights_move_and_the_loss_falls(name):
    model = finet(name) if name in SCHEMES else NETWORKS[name]()
    optimizer = keras.optimizers.Adam(1e-3)
    if name.startswith("reactnet") and "batch_norm" not in name:
        optimizer = AdaptiveGradientClipping.for_model(model, optimizer)
    compiled(model, optimizer)
    images, targets = batch()
    before = values(model)
    losses = [loss_of_step(model, images, targets)]
    moved = [np.abs(a - b).max() for a, b in zip(values(model), before, strict=True)]
    paths = [each.path for each in model.trainable_weights]
    assert [path for path, move in zip(paths, moved, strict=True) if move == 0] == []
    losses += [loss_of_step(model, images, targets) for _ in range(4)]
    assert np.all(np.isfinite(losses))
    assert losses[-1] < losses[0]
