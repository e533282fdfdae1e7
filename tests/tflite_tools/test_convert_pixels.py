"""`include_preprocessing`: files that take the pixels of images as they are."""

import keras
import numpy as np
import pytest

from tflite_tools import convert, evaluate, inspect_model
from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, common_feeding, file_feeding
from tflite_tools.file_evaluation import evaluate_files
from tflite_tools.flatbuffer import op_histogram
from tflite_tools.interpreter import LiteModel
from tflite_tools.preprocessing import normalization

LABELS = ("ant", "bee", "cat", "dog", "elk")
OPS = {
    "ADD": 1,
    "CONV_2D": 2,
    "DEPTHWISE_CONV_2D": 2,
    "FULLY_CONNECTED": 1,
    "MEAN": 1,
    "SOFTMAX": 1,
}


@pytest.fixture(scope="module")
def pixels(samples):
    """The samples as dark images: no pixel is brighter than 200."""
    scale = (samples - samples.min()) / (samples.max() - samples.min())
    return np.rint(200 * scale).astype("uint8")


@pytest.fixture(scope="module")
def answers(model, pixels):
    """What the Keras model answers to the normalized images."""
    return np.asarray(model(normalization("torch", 3)(pixels), training=False))


@pytest.fixture(scope="module")
def pixel_files(model, pixels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixels")
    report = convert(
        model,
        folder,
        precisions=["float32", "int8", "float16"],
        calibration=pixels,
        include_preprocessing=True,
        labels=LABELS,
    )
    return {record.precision: record for record in report.records}


@pytest.mark.parametrize(("precision", "atol"), [("float32", 1e-5), ("float16", 5e-3)])
def test_float_files_answer_what_the_model_answers_to_normalized_images(
    pixel_files, pixels, answers, precision, atol
):
    file = pixel_files[precision].file
    assert LiteModel(file).input_dtype == np.uint8
    np.testing.assert_allclose(LiteModel(file).predict(pixels), answers, atol=atol)


def test_int8_is_as_near_as_without_preprocessing(pixel_files, model, pixels, answers, tmp_path):
    file = pixel_files["int8"].file
    normalized = normalization("torch", 3)(pixels)
    plain = convert(model, tmp_path, precisions=["int8"], calibration=normalized).records[0]
    ours = np.abs(LiteModel(file).predict(pixels) - answers).mean()
    # A step of a score is 1/256; the two differ by single roundings.
    assert ours <= plain.evaluation.mean_abs_error + 1 / 512


def test_a_step_of_the_int8_input_is_one_brightness(pixel_files):
    """Though no calibration image has a white pixel."""
    (entry,) = inspect_model(pixel_files["int8"].file).inputs
    assert (entry.dtype, entry.scale, entry.zero_point) == ("uint8", 1.0, 0)
    (scores,) = inspect_model(pixel_files["int8"].file).outputs
    assert scores.dtype == "uint8"


def test_the_only_new_operators_are_a_depthwise_convolution_and_a_cast(pixel_files):
    assert op_histogram(pixel_files["float32"].file.read_bytes()) == {**OPS, "CAST": 1}
    # One QUANTIZE for each end, from and to uint8.
    assert op_histogram(pixel_files["int8"].file.read_bytes()) == {**OPS, "QUANTIZE": 2}


def test_the_metadata_say_that_pixels_are_taken(pixel_files):
    for record in pixel_files.values():
        metadata = inspect_model(record.file).metadata
        assert (metadata.color_space, metadata.mean, metadata.std) == ("RGB", (0.0,), (1.0,))
        assert metadata.labels == LABELS


def test_the_report_and_the_record_are_of_the_real_comparison(pixel_files, answers, pixels):
    record = pixel_files["float32"]
    error = np.abs(LiteModel(record.file).predict(pixels) - answers).max()
    assert record.evaluation.max_abs_error == pytest.approx(error, abs=1e-9)
    assert pixel_files["int8"].evaluation.agreement > 0.8


def test_evaluate_feeds_pixels_and_the_reference_normalized_ones(pixel_files, model, pixels):
    for precision, least in (("float32", 1.0), ("int8", 0.8)):
        record = evaluate(pixel_files[precision].file, pixels, reference=model)
        assert record.agreement >= least
    with pytest.raises(ToolError, match="images: expected pixels from 0 to 255"):
        evaluate(pixel_files["float32"].file, normalization("torch", 3)(pixels), reference=model)


@pytest.fixture(scope="module")
def image_folder(pixels, tmp_path_factory):
    from PIL import Image

    folder = tmp_path_factory.mktemp("images")
    for index, image in enumerate(pixels[:6]):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


def test_a_folder_is_read_as_the_files_say(pixel_files, model, image_folder, tmp_path):
    pixel_file = pixel_files["float32"].file
    (plain,) = convert(model, tmp_path, inputs=image_folder, preprocessing="unit").records
    for file in (pixel_file, plain.file):
        report = evaluate_files([file], image_folder, reference=model)
        assert report.records[0].max_abs_error < 1e-5
    with pytest.raises(ToolError, match=r"preprocessing: expected one for all .* torch, unit"):
        evaluate_files([pixel_file], image_folder, reference=model, preprocessing="unit")
    with pytest.raises(ToolError, match=r"preprocessing: expected one for all .* torch, unit"):
        evaluate_files([pixel_file, plain.file], image_folder, reference=model)


def test_images_and_random_pixels_are_compared_too(model, image_folder, tmp_path):
    options = {"include_preprocessing": True, "preprocessing": "tf"}
    folder = convert(model, tmp_path, calibration=image_folder, precisions=["int8"], **options)
    # The record is of what the network sees.
    assert -1 <= folder.calibration.min < folder.calibration.max <= 1
    assert folder.records[0].evaluation.agreement >= 5 / 6
    random = convert(model, tmp_path, **options)
    assert random.samples_from.startswith("32 random images")
    assert random.records[0].evaluation.max_abs_error < 1e-5


def test_what_files_say_that_they_are_fed(pixel_files, files, flex_file):
    content = pixel_files["int8"].file.read_bytes()
    assert file_feeding(content) == Feeding("torch", included=True)
    assert file_feeding(files["float32"].read_bytes()) is None  # made from arrays
    assert file_feeding(flex_file.read_bytes()) is None
    assert common_feeding({flex_file: flex_file.read_bytes()}) == Feeding("torch")
    assert common_feeding({flex_file: flex_file.read_bytes()}, "tf") == Feeding("tf")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"calibration": np.full((4, 16, 16, 3), -1.0)}, "calibration data: expected pixels"),
        ({"inputs": np.full((4, 16, 16, 3), 0.5)}, "inputs: expected pixels .* from 0.5 to 0.5"),
        ({"inputs": np.full((4, 16, 16, 3), 256)}, "inputs: expected pixels .* to 256"),
        (
            {"precisions": ["int8"], "calibration_percentile": 99.9, "calibration": np.ones(4)},
            "calibration_percentile: makes no uint8 inputs",
        ),
    ],
)
def test_what_cannot_be_fed(model, tmp_path, options, message):
    with pytest.raises(ToolError, match=message):
        convert(model, tmp_path / "out", include_preprocessing=True, **options)
    assert not (tmp_path / "out").exists()


def test_a_model_that_takes_no_images(tmp_path):
    vector = keras.Input((4,))
    model = keras.Model(vector, keras.layers.Dense(2)(vector))
    with pytest.raises(ToolError, match=r"include_preprocessing: expected a model whose input is"):
        convert(model, tmp_path / "out", include_preprocessing=True)
    assert not (tmp_path / "out").exists()


def test_another_backend_makes_the_same_files(model, pixel_files, tmp_path, monkeypatch):
    """The part in front goes to the process that converts, as any layer does."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "another")
    elsewhere = convert(model, tmp_path, include_preprocessing=True).records[0]
    assert elsewhere.ops == pixel_files["float32"].ops
