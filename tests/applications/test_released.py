"""`weights="imagenet"`: none are released; how they would be fetched."""

import hashlib
import inspect
import re

import keras
import numpy as np
import pytest
from descriptors import BUILDERS

import keras_finet
from keras_finet.applications.released import RELEASED, Checkpoint

VARIANT = (
    "FinetSmall(normalization='fbn', groups=4, channels_per_group=None, affine=True, "
    "epsilon=0.001, squeeze_excite=True, stem='imagenet')"
)
# Arguments that trained weights do not depend on.
NO_MATTER = ("features", "dropout_rate")


@pytest.mark.parametrize("each", BUILDERS, ids=str)
def test_none_is_released(each):
    """The message names the variant, with every own argument that weights depend on."""
    with pytest.raises(ValueError, match=r"No ImageNet checkpoint of .* section 5\.1") as error:
        each.build(weights="imagenet")
    parameters = inspect.signature(each.build).parameters.values()
    own = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    if "groups" in own:
        # By default what the normalisation takes.
        own["groups"] = {"fbn": 4, "mimic_norm": 1}[own["normalization"]]
    for name in own.keys() - {"features", "dropout_rate"}:
        assert f"{name}={own[name]!r}" in str(error.value)
    assert f"{each}(" in str(error.value)


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A function that releases a file under a checksum; the cache is empty."""
    # Keras reads KERAS_HOME once, when it is imported.
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()

    def release(source, digest=None):
        digest = digest or hashlib.sha256(source.read_bytes()).hexdigest()
        checkpoint = Checkpoint("finet_small.weights.h5", source.as_uri(), digest, 65.7)
        monkeypatch.setitem(RELEASED, VARIANT, checkpoint)

    return release


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    model = keras_finet.FinetSmall()
    path = tmp_path_factory.mktemp("server") / "trained.weights.h5"
    model.save_weights(path)
    return model, path


def cached(tmp_path):
    return [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_released_checkpoint_is_downloaded_once(released, trained, tmp_path):
    model, source = trained
    released(source)
    weights = keras_finet.FinetSmall(weights="imagenet").get_weights()
    assert all(map(np.array_equal, weights, model.get_weights()))
    assert cached(tmp_path) == ["finet_small.weights.h5"]
    moved = source.rename(source.with_name("moved.weights.h5"))
    backbone = keras_finet.FinetSmall(weights="imagenet", include_top=False, classes=5)
    moved.rename(source)
    assert all(map(np.array_equal, backbone.get_weights(), model.get_weights()))


def test_a_wrong_checksum_is_refused_and_leaves_nothing(released, trained, tmp_path):
    released(trained[1], "0" * 64)
    with pytest.raises(ValueError, match=r"SHA-256 checksum 0{64}\. Received: .* deleted"):
        keras_finet.FinetSmall(weights="imagenet")
    assert cached(tmp_path) == []


def test_a_damaged_file_in_the_cache_is_fetched_anew(released, trained, tmp_path):
    released(trained[1])
    (tmp_path / "cache/models").mkdir()
    (tmp_path / "cache/models/finet_small.weights.h5").write_bytes(b"half a file")
    keras_finet.FinetSmall(weights="imagenet", features=("stage2",))


def test_a_failed_download_says_so(released, tmp_path):
    released(tmp_path / "gone.weights.h5", "0" * 64)
    with pytest.raises(OSError, match=r"to download file:.*gone.* give its path as `weights`"):
        keras_finet.FinetSmall(weights="imagenet")
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "wording"),
    [
        ({"classes": 10}, 'If using `weights="imagenet"` with `include_top` as true, `classes` sh'),
        ({"input_shape": (256, 256, 3)}, "When setting `include_top=True` and loading `imagenet` "),
        ({"input_shape": (64, 64, 1), "include_top": False}, "The input must have 3 channels; Rec"),
        ({"classifier_activation": "relu"}, "Only `None` and `softmax` activations are allowed"),
    ],
    ids=str,
)
def test_released_weights_are_refused_in_keras_wording(released, trained, arguments, wording):
    """Before anything is downloaded, as by MobileNetV2 (but for the activation, checked late)."""
    released(trained[1].with_name("never_read.weights.h5"), "0" * 64)
    with pytest.raises(ValueError, match=f"^{re.escape(wording)}"):
        keras_finet.FinetSmall(weights="imagenet", **arguments)
    if "classifier_activation" not in arguments:
        with pytest.raises(ValueError, match=f"^{re.escape(wording)}"):
            keras.applications.MobileNetV2(weights="imagenet", **arguments)


def test_only_the_very_variant_is_released(released, trained):
    released(trained[1])
    with pytest.raises(
        ValueError, match=r"stem='cifar'.* Released are: FinetSmall\(normalization='fbn'"
    ):
        keras_finet.FinetSmall(weights="imagenet", stem="cifar")
