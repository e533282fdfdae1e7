"""The generated data set: deterministic, balanced, and of other typefaces to test on."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from character_images import CHARACTERS, load_characters
from character_images.fonts import TEST_FONTS, TRAIN_FONTS
from support.examples import ROOT

HASHES = """
import hashlib, json
from character_images import load_characters
data = load_characters(150, 130, seed=3)
print(json.dumps({
    name: hashlib.sha256(getattr(data, name).tobytes()).hexdigest()
    for name in ("train_images", "train_labels", "test_images", "test_labels")
}))
"""


@pytest.fixture(scope="module")
def data():
    return load_characters(620, 310)


def in_a_new_process():
    paths = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
    run = subprocess.run(
        [sys.executable, "-c", HASHES],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "random"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def test_the_same_seed_gives_the_same_bytes_in_other_processes():
    here = load_characters(150, 130, seed=3)
    assert in_a_new_process() == {
        name: hashlib.sha256(getattr(here, name).tobytes()).hexdigest()
        for name in ("train_images", "train_labels", "test_images", "test_labels")
    }


def test_another_seed_gives_other_images():
    one, other = load_characters(40, 40, seed=0), load_characters(40, 40, seed=1)
    for name in ("train_images", "test_images"):
        same = (getattr(one, name) == getattr(other, name)).mean()
        assert same < 0.05


def test_training_and_testing_share_no_random_numbers(data, monkeypatch):
    monkeypatch.setattr("character_images.data.TEST_FONTS", TRAIN_FONTS)
    same_fonts = load_characters(40, 40)
    assert not np.array_equal(same_fonts.train_labels, same_fonts.test_labels)
    assert (same_fonts.train_images == same_fonts.test_images).mean() < 0.05


def test_it_is_image_data_of_62_balanced_classes(data):
    assert data.class_names == list(CHARACTERS)
    assert len(set(CHARACTERS)) == 62
    assert data.train_images.shape == (620, 32, 32, 3)
    assert data.train_images.dtype == data.test_images.dtype == np.uint8
    assert set(np.bincount(data.train_labels, minlength=62)) == {10}
    assert set(np.bincount(data.test_labels, minlength=62)) == {5}
    assert np.any(np.diff(data.train_labels) < 0), "in random order"


def test_no_typeface_is_on_both_sides():
    typefaces = [
        {name.removesuffix(".ttf").split("-")[0] for name in fonts}
        for fonts in (TRAIN_FONTS, TEST_FONTS)
    ]
    assert not typefaces[0] & typefaces[1]
    stix = {name for name in (*TRAIN_FONTS, *TEST_FONTS) if name.startswith("STIX")}
    assert stix <= set(TEST_FONTS)
