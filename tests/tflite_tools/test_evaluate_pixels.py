"""Files that take pixels and files that take normalized images, on the same images."""

import numpy as np
import pytest
from PIL import Image

from tflite_tools import convert
from tflite_tools.errors import ToolError
from tflite_tools.evaluation import evaluate_models, load_models
from tflite_tools.file_evaluation import evaluate_files
from tflite_tools.preprocessing import normalization


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(5)
    colours = rng.integers(0, 256, (40, 1, 1, 3))
    return np.clip(colours + rng.integers(-40, 40, (40, 16, 16, 3)), 0, 255).astype("uint8")


@pytest.fixture(scope="module")
def answers(model, pixels):
    """What the Keras model says of the images, preprocessed as in training."""
    return np.asarray(model(normalization("torch", 3)(pixels), training=False))


@pytest.fixture(scope="module")
def image_folder(pixels, answers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for label in range(5):
        (folder / f"class{label}").mkdir()
    for index, (image, label) in enumerate(zip(pixels, answers.argmax(-1), strict=True)):
        Image.fromarray(image).save(folder / f"class{label}" / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def chosen(files, model, tmp_path_factory):
    """The file of the same network without the normalization, and that with it."""
    folder = tmp_path_factory.mktemp("pixels")
    with_pixels = convert(model, folder, include_preprocessing=True).records[0].file
    return [files["float32"], with_pixels]


@pytest.mark.parametrize("order", [1, -1])
def test_both_kinds_on_a_folder(chosen, image_folder, model, answers, order):
    assert len(np.unique(answers.argmax(-1))) > 1
    report = evaluate_files(chosen[::order], image_folder, reference=model)
    for record in report.records:
        assert (record.top1, record.agreement) == (1, 1)
        assert record.max_abs_error < 1e-4
    assert report.reference.figures.top1 == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_both_kinds_on_pixels_in_an_array(chosen, pixels, answers, workers):
    models = load_models(chosen)
    report = evaluate_models(models, pixels, reference_outputs=answers, workers=workers)
    assert all(record.max_abs_error < 1e-4 for record in report.records)


def test_normalized_arrays_are_no_pixels(chosen, pixels, answers):
    normalized = normalization("torch", 3)(pixels)
    with pytest.raises(ToolError, match="images: expected pixels from 0 to 255"):
        evaluate_files(chosen, (normalized, answers.argmax(-1)))
