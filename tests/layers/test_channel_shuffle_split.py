"""The shuffle and split of ShuffleNetV2 against indexing in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_finet.layers import ChannelShuffleSplit

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype("float32")


def shuffled(images):
    """Channels a0 b0 a1 b1 … of the two halves a and b."""
    return images[..., [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", [(3, 5), (None, None)], ids=str)
def test_first_half_shuffled_and_second_half_by_group(data_format, size):
    first = data_format == "channels_first"
    image = keras.Input((12, *size) if first else (*size, 12))
    model = keras.Model(image, ChannelShuffleSplit(data_format)(image))
    assert [output.shape for output in model.outputs] == 2 * [
        (None, 6, *size) if first else (None, *size, 6)
    ]
    outputs = model(IMAGES.transpose(0, 3, 1, 2) if first else IMAGES)
    outputs = [ops.convert_to_numpy(output) for output in outputs]
    kept, worked_on = (each.transpose(0, 2, 3, 1) if first else each for each in outputs)
    np.testing.assert_array_equal(kept, shuffled(IMAGES)[..., :6])
    second = shuffled(IMAGES)[..., 6:]
    expected = np.concatenate([second[..., 0::2], second[..., 1::2]], axis=-1)
    np.testing.assert_array_equal(worked_on, expected)


def test_channels_that_have_no_quarters_are_refused():
    with pytest.raises(ValueError, match=r"a multiple of 4 channels. Received: .*10"):
        ChannelShuffleSplit()(np.zeros((1, 2, 2, 10), "float32"))
