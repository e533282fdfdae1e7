"""`list_models`: names that a user can pass to `getattr`."""

import keras
import pytest

import keras_finet


def test_all_of_them_in_order():
    names = keras_finet.list_models()
    assert names == sorted(names)
    # `test_contracts.py` holds the list against what the package defines.
    assert {"FinetSmall", "FinetLarge", "ResNet18", "ResNet50"} < set(names)
    assert {"ShuffleNetV2", "MnasNet"} < set(names)


def test_a_name_builds_a_model():
    build = getattr(keras_finet, keras_finet.list_models("*net18")[0])
    assert isinstance(build(features=("stage2",)), keras.Model)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("finet*", ["FinetLarge", "FinetSmall"]),
        ("RESNET[12]?", ["ResNet18"]),
        ("*v2", ["ShuffleNetV2"]),
        ("net", []),
        ("", []),
    ],
)
def test_patterns(pattern, names):
    assert keras_finet.list_models(pattern) == names


@pytest.mark.parametrize("pattern", [18, ["finet*"], b"finet*"], ids=str)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match=r"`pattern` to be None or a string.*Received: "):
        keras_finet.list_models(pattern)
