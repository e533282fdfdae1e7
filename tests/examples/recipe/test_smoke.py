"""The images of a trial, whole or not there."""

import pytest
from PIL import Image
from recipe.smoke import smoke_images
from support.full_disk import full_disk

from tflite_tools.errors import ToolError


def test_are_jpegs_of_three_classes(tmp_path):
    files = sorted(smoke_images(tmp_path).rglob("*.jpg"))
    assert len(files) == 3 * (16 + 8)
    for file in files:
        with Image.open(file) as image:
            image.load()
            assert image.format == "JPEG"


def test_a_full_disk_is_one_line_and_leaves_no_part_of_an_image(tmp_path):
    with (
        full_disk(100),
        pytest.raises(ToolError, match=r"00\.jpg: cannot be written: File too large"),
    ):
        smoke_images(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
