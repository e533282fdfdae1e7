"""Files that a range report cannot be made of: one clear message each."""

import sys

import numpy as np
import pytest
from support.odd_files import lstm_file, two_input_file

from tflite_tools import convert, range_report
from tflite_tools.errors import ToolError


@pytest.fixture(scope="module")
def float16_file(chain, chain_samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("float16")
    return convert(chain(), folder, precisions="float16", inputs=chain_samples).records[0].file


def assert_refused(message, *arguments, **options):
    with pytest.raises(ToolError, match=message):
        range_report(*arguments, **options)


def test_files_in_the_wrong_order(sound_files, chain_samples):
    assert_refused("got a first file of int8", *reversed(sound_files), chain_samples)


def test_other_precisions(sound_files, float16_file, chain_samples):
    float32, int8 = sound_files
    assert_refused("first file of float16", float16_file, int8, chain_samples)
    assert_refused("second file of float32", float32, float32, chain_samples)


def test_another_network(files, sound_files, chain_samples):
    message = r"two files of the same model, got one for inputs of shape \(16, 16, 3\)"
    assert_refused(message, files["float32"], sound_files[1], chain_samples)


def test_the_same_network_with_other_weights(chain, sound_files, pair_of_files, chain_samples):
    model = chain()
    rng = np.random.default_rng(9)
    model.set_weights([rng.normal(size=each.shape) for each in model.get_weights()])
    other = pair_of_files(model)[1]
    assert_refused("same operators with other weights", sound_files[0], other, chain_samples)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lstm_file, r"expected one graph, got \d: the model has loops"),
        (two_input_file, "expected a model with one input, got 2"),
    ],
    ids=["loops", "two inputs"],
)
def test_graphs_of_other_kinds(sound_files, chain_samples, tmp_path, content, message):
    other = tmp_path / "other.tflite"
    other.write_bytes(content())
    assert_refused(
        f"{other}: {message}. Convert the model again", other, sound_files[1], chain_samples
    )
    assert_refused(f"{other}: {message}", sound_files[0], other, chain_samples)


def test_damaged_files(sound_files, chain_samples, tmp_path):
    float32, int8 = sound_files
    damaged = tmp_path / "damaged.tflite"
    assert_refused(f"{damaged}: expected a readable", damaged, int8, chain_samples)
    damaged.write_bytes(float32.read_bytes()[:2000])
    assert_refused(f"{damaged}: .*(damaged|not a TFLite)", damaged, int8, chain_samples)
    damaged.write_bytes(b"no model at all")
    assert_refused(f"{damaged}: not a TFLite", float32, damaged, chain_samples)


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_never_end_in_a_stack_trace(sound_files, chain_samples, tmp_path, seed):
    """Either the damage is in a weight, and the report shows it, or it is one clear message."""
    float32, int8 = sound_files
    content = bytearray(int8.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(8, len(content), 20):
        content[place] ^= 1 << int(rng.integers(8))
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(bytes(content))
    message = "one of its weights is damaged"
    try:
        range_report(float32, damaged, chain_samples[:2])
    except ToolError as error:
        message = str(error)
    assert "damaged" in message


def test_samples_that_do_not_fit(sound_files, chain_samples):
    assert_refused("inputs: expected shape", *sound_files, chain_samples[:, :4])
    assert_refused("inputs: NaN", *sound_files, chain_samples * np.nan)


def test_matplotlib_missing(sound_files, chain_samples, tmp_path, monkeypatch):
    report = range_report(*sound_files, chain_samples[:2])
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    with pytest.raises(ToolError, match=r"pip install 'keras-finet\[plot\]'"):
        report.plot(tmp_path / "ranges.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["ranges", "ranges.tflite", "missing/ranges.png"])
def test_pictures_that_cannot_be_written(sound_files, chain_samples, tmp_path, name):
    report = range_report(*sound_files, chain_samples[:2])
    with pytest.raises(ToolError, match=r"expected a picture|is not a folder"):
        report.plot(tmp_path / name)
    assert not list(tmp_path.iterdir())
