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
from tflite_tools.preprocessing import normalization

PYTHON = os.environ.get("MEDIAPIPE_PYTHON")
SCRIPT = Path(support.__path__[0]) / "classify_with_mediapipe.py"
LABELS = ("ant", "bee", "cat", "dog", "elk")

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="MEDIAPIPE_PYTHON names no Python that has mediapipe (see .ci/run)"
)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(5).integers(0, 256, (16, 16, 3)).astype("uint8")


@pytest.fixture(scope="module")
def described(model, samples, tmp_path_factory):
    """Files by precision and preprocessing, as users make them."""
    folder = tmp_path_factory.mktemp("mediapipe")
    images = np.random.default_rng(6).integers(0, 256, (20, 16, 16, 3)).astype("uint8")
    rows = [
        ("tf", {"calibration": samples, "int8_io": "float32"}),
        ("torch", {"calibration": samples}),
        ("included", {"calibration": images, "include_preprocessing": True}),
    ]
    found = {}
    for name, options in rows:
        report = convert(
            model,
            folder / name,
            precisions=["float32", "float16", "int8"],
            preprocessing="tf" if name == "tf" else "torch",
            labels=LABELS,
            metadata={"name": "a classifier", "license": "Apache-2.0"},
            **options,
        )
        found.update({(record.precision, name): record.file for record in report.records})
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
@pytest.mark.parametrize("name", ["tf", "included"])
def test_it_normalizes_and_answers_our_labels_with_our_scores(
    described, theirs, pixels, precision, atol, name
):
    """By the metadata alone where the network does not do it."""
    image = pixels if name == "included" else normalization("tf", 3)(pixels)
    (ours,) = LiteModel(described[precision, name]).predict(image[np.newaxis])
    scores = theirs[precision, name]["scores"]
    assert set(scores) == set(LABELS)
    np.testing.assert_allclose([scores[label] for label in LABELS], ours, atol=atol)
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


def test_it_takes_no_int8_inputs(theirs):
    """Why files that include the preprocessing take uint8."""
    assert "uint8/float32, got INT8" in theirs["int8", "torch"]["error"]
