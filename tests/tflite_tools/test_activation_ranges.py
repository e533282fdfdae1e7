import keras
import numpy as np
import pytest

from tflite_tools.activation_ranges import activation_ranges

# A bin is at most this share of its values wide.
WIDTH = 1 / 128


@pytest.fixture(scope="module")
def content(files):
    return files["float32"].read_bytes()


@pytest.fixture(scope="module")
def activations(model, samples):
    """The Keras model's, by a part of the tensor's name."""
    layers = [layer for layer in model.layers if layer.name.startswith(("re_lu", "add", "dense"))]
    inside = keras.Model(model.input, [layer.output for layer in layers])
    outputs = inside(samples, training=False)
    names = ["re_lu", "add", "StatefulPartitionedCall"]
    return {"image": samples, **dict(zip(names, map(np.asarray, outputs), strict=True))}


def ends(values, percentile):
    """By sorting all values; a quantised range has to hold zero."""
    low, high = np.percentile(
        values,
        [100 - percentile, percentile],
        method="inverted_cdf" if percentile < 100 else "linear",
    )
    return min(low, 0), max(high, 0)


@pytest.mark.parametrize("percentile", [100, 99.9, 99, 90])
def test_against_the_sorted_values_of_the_keras_model(content, samples, activations, percentile):
    ranges = activation_ranges(content, samples, percentile=percentile)
    assert len(ranges) == 8  # each activation once, no weights
    for name, values in activations.items():
        (found,) = (one for one in ranges if name in one.tensor)
        tolerance = 1e-5 if percentile == 100 else WIDTH
        np.testing.assert_allclose((found.low, found.high), ends(values, percentile), tolerance)


def test_percentiles_are_never_beyond_the_extremes(content, samples):
    true = activation_ranges(content, samples)
    for cut, full in zip(activation_ranges(content, samples, percentile=99.999), true, strict=True):
        assert full.low <= cut.low <= 0 <= cut.high <= full.high


def test_an_outlier_does_not_coarsen_the_rest(content, samples):
    spoilt = samples.copy()
    spoilt[0, 0, 0, 0] = 1e6
    entry = activation_ranges(content, spoilt, percentile=99.9)[0]
    np.testing.assert_allclose((entry.low, entry.high), ends(samples, 99.9), 3 * WIDTH)
    assert activation_ranges(content, spoilt)[0].high == 1e6


def test_what_fills_a_batch_up_does_not_count(small_classifier, samples, tmp_path):
    from tflite_tools import convert

    report = convert(small_classifier(), tmp_path, batch_size=32, inputs=samples)
    content = report.records[0].file.read_bytes()
    # The padding repeats samples 32 to 49: the largest of them would count twice.
    raised = samples.copy()
    raised[40] += 5
    entry = activation_ranges(content, raised, percentile=99)[0]
    np.testing.assert_allclose((entry.low, entry.high), ends(raised, 99), WIDTH)
