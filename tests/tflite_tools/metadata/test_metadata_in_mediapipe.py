"""MediaPipe Tasks, whose reader is that of Android, runs our files by their metadata alone."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import support

from tflite_tools import convert
from tflite_tools.interpreter import LiteModel
from tflite_tools.metadata import ModelMetadata, write_metadata
from tflite_tools.preprocessing import normalization

PYTHON = os.environ.get("MEDIAPIPE_PYTHON")
SCRIPT = Path(support.__path__[0]) / "classify_with_mediapipe.py"
LABELS = ("ant", "bee", "cat", "dog", "elk")

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="MEDIAPIPE_PYTHON names no Python that has mediapipe (see .ci/run)"
)


def with_metadata(path, preprocessing):
    normalize = normalization(preprocessing, 3)
    metadata = ModelMetadata(
        name="a classifier",
        license="Apache-2.0",
        color_space="RGB",
        mean=normalize.mean,
        std=normalize.std,
        labels=LABELS,
    )
    described = path.with_name(f"{path.stem}_{preprocessing}.tflite")
    described.write_bytes(write_metadata(path.read_bytes(), metadata))
    return described


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(5).integers(0, 256, (16, 16, 3)).astype("uint8")


@pytest.fixture(scope="module")
def described(files, model, samples, tmp_path_factory):
    """Files by precision and preprocessing; MediaPipe takes float32 and uint8 inputs only."""
    folder = tmp_path_factory.mktemp("mediapipe")
    report = convert(model, folder, precisions=["int8"], calibration=samples, int8_io="float32")
    paths = {**files, "int8": report.records[0].file}
    found = {(kind, "tf"): with_metadata(path, "tf") for kind, path in paths.items()}
    found["float32", "torch"] = with_metadata(paths["float32"], "torch")
    return found


@pytest.fixture(scope="module")
def theirs(described, pixels, tmp_path_factory):
    """What MediaPipe reads and computes."""
    image = tmp_path_factory.mktemp("image") / "image.npy"
    np.save(image, pixels)
    # Nothing of this process' packages may come along.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    run = subprocess.run(
        [PYTHON, SCRIPT, image, *described.values()],
        env=inherited,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)
    return {key: results[str(path)] for key, path in described.items()}


# Half a step of an int8 score is 1/512.
@pytest.mark.parametrize(
    ("precision", "atol"), [("float32", 1e-5), ("float16", 1e-5), ("int8", 2e-3)]
)
def test_it_normalizes_and_answers_our_labels_with_our_scores(
    described, theirs, pixels, precision, atol
):
    key = precision, "tf"
    (ours,) = LiteModel(described[key]).predict(normalization("tf", 3)(pixels[np.newaxis]))
    assert set(theirs[key]["scores"]) == set(LABELS)
    np.testing.assert_allclose([theirs[key]["scores"][label] for label in LABELS], ours, atol=atol)
    assert np.ptp(ours) > 100 * atol


def test_its_schema_reads_what_was_written(theirs):
    metadata = theirs["float32", "torch"]["metadata"]
    normalize = normalization("torch", 3)
    assert metadata["name"] == "a classifier"
    assert metadata["license"] == "Apache-2.0"
    assert metadata["parser"] == "1.0.0"
    assert metadata["rgb"] is True
    assert metadata["labels"] == ["labels.txt"]
    np.testing.assert_allclose(metadata["mean"], normalize.mean, rtol=1e-6)
    np.testing.assert_allclose(metadata["std"], normalize.std, rtol=1e-6)
    np.testing.assert_allclose(metadata["min"], normalize.offset, rtol=1e-6)


def test_it_refuses_to_normalize_by_channel_instead_of_doing_it_wrong(theirs):
    """Why `include_preprocessing` is what models trained with "torch" need there."""
    assert "Per-channel image normalization is not available" in theirs["float32", "torch"]["error"]
