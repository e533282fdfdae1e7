"""What every builder must do with its arguments, besides what `test_contracts.py` tries."""

import inspect

import numpy as np
import pytest
from descriptors import BUILDERS, FAMILIES
from keras import ops


@pytest.fixture(params=FAMILIES, ids=str)
def build(request):
    return lambda **more: request.param.build(**{"input_shape": (32, 32, 3), "classes": 10, **more})


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def outputs(model, inputs):
    return ops.convert_to_numpy(model(inputs, training=False))


@pytest.mark.parametrize("each", BUILDERS, ids=str)
def test_every_argument_is_documented(each):
    documentation = inspect.getdoc(each.build)
    arguments = inspect.signature(each.build).parameters
    assert [name for name in arguments if f"\n    {name}: " not in documentation] == []
    assert "{" not in documentation


@pytest.mark.filterwarnings("ignore:This model usually expects 1 or 3 input channels:UserWarning")
@pytest.mark.parametrize("channels", [1, 4])
def test_backbone_on_other_channels_and_an_odd_size(build, channels):
    model = build(include_top=False, input_shape=(33, 47, channels), pooling="avg")
    assert outputs(model, images(2, 33, 47, channels)).shape == (2, model.output_shape[-1])
