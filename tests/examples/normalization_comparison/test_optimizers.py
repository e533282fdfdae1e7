"""Which variants' gradients are clipped."""

import keras
import pytest
from normalization_comparison.networks import build
from normalization_comparison.optimizers import optimizer
from normalization_comparison.variants import VARIANTS

import keras_finet


def test_only_the_normalizer_free_network_has_its_gradients_clipped():
    assert [name for name, each in VARIANTS.items() if each.clips_gradients] == ["normalizer_free"]


def test_clipping_as_in_the_paper(setting):
    model = build(setting, "normalizer_free", 62, 0)
    found = optimizer(setting, "normalizer_free", model)
    assert type(found) is keras_finet.AdaptiveGradientClipping
    assert (found.clip_factor, found.epsilon, found.exclude) == (0.02, 1e-3, ("predictions",))
    assert isinstance(found.inner_optimizer, keras.optimizers.SGD)
    other = optimizer(setting, "bn", model)
    assert isinstance(other, keras.optimizers.SGD)
    # But for the names, which Keras counts.
    inner, plain = ({**each.get_config(), "name": ""} for each in (found.inner_optimizer, other))
    assert inner == plain


@pytest.mark.parametrize(
    ("variant", "layer"),
    [
        ("shifted_relu", keras_finet.layers.ShiftedReLU),
        ("mimic_norm", keras_finet.layers.BranchScale),
        ("normalizer_free", keras_finet.layers.StandardizedConv2D),
    ],
)
def test_schemes_are_what_their_names_say(setting, variant, layer):
    model = build(setting, variant, 62, 0)
    assert any(isinstance(each, layer) for each in model.layers)
    assert not any(isinstance(each, keras_finet.FineGrainedBatchNorm) for each in model.layers)
