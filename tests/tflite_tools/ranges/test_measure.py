"""The figures of a range report, against NumPy, and what it says of planted faults."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tflite_tools import range_report


def layer(report, name):
    (found,) = (tensor for tensor in report.tensors if tensor.layer == name)
    return found


def int8_outputs(file, samples, names):
    """The outputs of the convolutions `names` as real values, from the reference kernels."""
    interpreter = Interpreter(
        str(file),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    outputs = {name: [] for name in names}
    for sample in samples:
        scale, zero = entry["quantization"]
        steps = np.clip(np.round(sample / scale + zero), -128, 127).astype(np.int8)
        interpreter.set_tensor(entry["index"], steps[np.newaxis])
        interpreter.invoke()
        for details in interpreter.get_tensor_details():
            for name in names:
                if f"/{name}_1/" in details["name"] and details["shape"].tolist() == [1, 8, 8, 6]:
                    scale, zero = details["quantization"]
                    values = interpreter.get_tensor(details["index"]).astype("float64")
                    outputs[name].append((values - zero) * scale)
    return {name: np.concatenate(values) for name, values in outputs.items()}


def test_ratios_are_those_of_the_keras_models_own_activations(chain, sound_files, chain_samples):
    model = chain()
    names = ("first", "second", "third")
    inside = keras.Model(model.input, [model.get_layer(name).output for name in names])
    exact = dict(zip(names, (np.asarray(y, "float64") for y in inside(chain_samples)), strict=True))
    rounded = int8_outputs(sound_files[1], chain_samples, names)
    report = range_report(*sound_files, chain_samples)
    assert report.samples == 24
    for name in names:
        x, y = (each.reshape(-1, each.shape[-1]) for each in (exact[name], rounded[name]))
        signal, noise = (x**2).sum(0), ((x - y) ** 2).sum(0)
        found = layer(report, name)
        assert found.snr_db == pytest.approx(10 * np.log10(signal.sum() / noise.sum()), abs=0.3)
        lost = np.mean(noise / (signal + noise))
        assert found.channel_snr_db == pytest.approx(-10 * np.log10(lost), abs=0.3)
        assert found.low == pytest.approx(x.min(), abs=1e-5)
        assert found.high == pytest.approx(x.max(), rel=1e-5)
        worst = found.worst_channels[0]
        assert worst.error_share == pytest.approx(noise.max() / noise.sum(), rel=0.05)
    assert [tensor.layer for tensor in report.tensors] == [
        *("input", "first", "second", "third", "pool", "output")
    ]


def test_the_input_loses_what_rounding_to_its_steps_costs(sound_files, chain_samples):
    entry = range_report(*sound_files, chain_samples).tensors[0]
    step = (chain_samples.max() - chain_samples.min()) / 255
    expected = 10 * np.log10(np.mean(chain_samples.astype("float64") ** 2) / (step**2 / 12))
    assert entry.op == "INPUT"
    assert entry.snr_db == pytest.approx(expected, abs=0.2)
    assert entry.int8_high - entry.int8_low == pytest.approx(255 * step, rel=1e-3)


def test_weight_ranges_are_those_of_the_layer(chain, sound_files, chain_samples):
    kernel = chain().get_layer("second").kernel.numpy()
    found = layer(range_report(*sound_files, chain_samples[:2]), "second").weights
    np.testing.assert_allclose(found.channel_low, kernel.min((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.channel_high, kernel.max((0, 1, 2)), rtol=1e-6)
    widths = np.abs(kernel).max((0, 1, 2))
    assert (found.low, found.high) == pytest.approx((kernel.min(), kernel.max()))
    assert found.widest_channel == widths.argmax()
    assert found.narrowest_channel == widths.argmin()
    assert found.widest_to_narrowest == pytest.approx(widths.max() / widths.min(), rel=1e-6)
    steps = widths / 127
    rounded = np.round(kernel / steps) * steps
    expected = 10 * np.log10((kernel**2).sum() / ((kernel - rounded) ** 2).sum())
    assert found.snr_db == pytest.approx(expected, abs=0.01)
    assert found.rounded_to_zero == 0.0


def test_sound_layers_have_no_cause(sound_files, chain_samples):
    assert all(each.cause is None for each in range_report(*sound_files, chain_samples).tensors)


def test_a_channel_a_thousand_times_as_wide_comes_out_on_top(chain, pair_of_files, chain_samples):
    """The network computes the same; only the scale between two of its layers is another."""
    model = chain()
    kernel, bias = model.get_layer("second").get_weights()
    kernel[..., 3] *= 1000
    bias[3] *= 1000
    model.get_layer("second").set_weights([kernel, bias])
    kernel, bias = model.get_layer("third").get_weights()
    kernel[:, :, 3] /= 1000
    model.get_layer("third").set_weights([kernel, bias])
    report = range_report(*pair_of_files(model), chain_samples)
    worst = report.worst[0]
    assert worst.layer == "second"
    assert worst.weights.widest_channel == 3
    assert worst.weights.widest_to_narrowest > 500
    assert worst.cause.startswith("channel 3 is ")
    # The ratio of the whole tensor, which this one channel makes up, shows nothing.
    assert worst.snr_db > 20
    assert worst.channel_snr_db < 5
    assert "1. second" in " ".join(str(report).split())


def test_samples_outside_the_calibrated_range(chain, pair_of_files, chain_samples):
    files = pair_of_files(chain(), calibration=chain_samples * 0.1)
    report = range_report(*files, chain_samples)
    entry = report.worst[0]
    outside = np.mean(np.abs(chain_samples) > 0.1 * np.abs(chain_samples).max())
    assert entry.layer == "input"
    assert entry.outside == pytest.approx(outside, abs=0.05)
    assert entry.cause.endswith("of the values lie outside the calibrated range")


@pytest.mark.parametrize("count", [1, 3])
def test_batches_are_not_padded_with_what_counts(chain, pair_of_files, chain_samples, count):
    files = pair_of_files(chain(), batch_size=2)
    few = chain_samples[:count]
    report = range_report(*files, few)
    entry = report.tensors[0]
    scale = (entry.int8_high - entry.int8_low) / 255
    zero = np.round(-128 - entry.int8_low / scale)
    rounded = (np.clip(np.round(few / scale) + zero, -128, 127) - zero) * scale
    expected = 10 * np.log10((few**2).sum() / ((few - rounded) ** 2).sum())
    assert entry.snr_db == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("limit", [5, None])
def test_float_input_and_output_make_no_difference(
    chain, pair_of_files, sound_files, chain_samples, limit
):
    files = pair_of_files(chain(), int8_io="float32")
    float_io, int8_io = (
        range_report(*pair, chain_samples, limit=limit) for pair in (files, sound_files)
    )
    assert float_io.samples == int8_io.samples == (limit or 24)
    assert float_io.tensors == int8_io.tensors
