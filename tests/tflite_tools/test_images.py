import numpy as np
import pytest
from PIL import Image

from tflite_tools.errors import ToolError
from tflite_tools.images import load_images


def pixels_of(folder, shape, **options):
    return load_images(folder, shape, limit=options.pop("limit", None), **options).pixels


def save(path, color, size=(8, 8), mode="RGB"):
    path.parent.mkdir(exist_ok=True)
    Image.new(mode, size, color).save(path)


@pytest.fixture
def folder(tmp_path):
    """Images in sub-folders and of several formats, sizes and modes, and a file that is none."""
    save(tmp_path / "b" / "1.png", (10, 20, 30))
    save(tmp_path / "a" / "2.JPG", (40, 40, 40), size=(20, 6))
    save(tmp_path / "a" / "1.bmp", 70, mode="L")
    save(tmp_path / "c.png", (1, 2, 3, 4), mode="RGBA")
    (tmp_path / "labels.txt").write_text("no image")
    return tmp_path


def test_every_image_is_read_in_the_order_of_the_names(folder):
    images = pixels_of(folder, (4, 6, 3), preprocessing="none")
    assert images.shape == (4, 4, 6, 3)
    assert images.dtype == np.float32
    np.testing.assert_allclose(
        images[:, 1, 1], [[70, 70, 70], [40, 40, 40], [10, 20, 30], [1, 2, 3]], atol=1
    )


def test_one_channel_is_grey(folder):
    images = pixels_of(folder, (4, 6, 1), preprocessing="none")
    assert images.shape == (4, 4, 6, 1)
    np.testing.assert_allclose(images[2, 0, 0], [18], atol=1)  # luma of (10, 20, 30)


@pytest.mark.parametrize(("channels", "suffix"), [(1, "png"), (3, "png"), (3, "tif")])
def test_of_16_bits_the_upper_8_are_taken(channels, suffix, tmp_path):
    values = np.random.default_rng(0).integers(0, 2**16, (8, 8)).astype("uint16")
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    found = load_images(tmp_path, (8, 8, channels), limit=None, preprocessing="none").pixels[0]
    expected = np.repeat((values // 256)[..., None], channels, -1)
    np.testing.assert_array_equal(found, expected)


def test_32_bits_have_no_known_range(tmp_path):
    Image.fromarray(np.ones((8, 8), "float32")).save(tmp_path / "a.tif")
    with pytest.raises(ToolError, match=r"a\.tif \(its pixels have 32 bits \(mode F\)"):
        load_images(tmp_path, (8, 8, 3), limit=None, preprocessing="none")


def test_limit_spreads_over_the_folder(folder):
    images = pixels_of(folder, (4, 6, 3), limit=2, preprocessing="none")
    np.testing.assert_array_equal(images[:, 0, 0], [[70, 70, 70], [1, 2, 3]])


def test_width_and_height_are_not_swapped(tmp_path):
    pixels = np.zeros((8, 16, 3), "uint8")
    pixels[:, 8:] = 200  # the right half is bright
    Image.fromarray(pixels).save(tmp_path / "half.png")
    (image,) = pixels_of(tmp_path, (4, 8, 3), preprocessing="none")
    np.testing.assert_allclose(image[:, :3], 0)
    np.testing.assert_allclose(image[:, 5:], 200)


def test_images_are_normalized_for_the_model(tmp_path):
    save(tmp_path / "1.png", (10, 200, 30))
    image = pixels_of(tmp_path, (2, 2, 3), preprocessing="torch")
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(image[0, 0, 0], ([10 / 255, 200 / 255, 30 / 255] - mean) / std, 1e-5)


def test_grey_images_have_no_imagenet_statistics(folder):
    with pytest.raises(ToolError, match=r"torch is for RGB images.* takes 1 channel"):
        load_images(folder, (4, 6, 1), limit=None, preprocessing="torch")


CUT_PNG = b"\x89PNG\r\n\x1a\n\x00\x00"
# A frame of 65535 by 65535 pixels, which Pillow refuses with an error of its own kind.
GIANT_GIF = (
    b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02D\x01\x00;"
)


@pytest.mark.parametrize("content", [b"", b"no image", CUT_PNG, GIANT_GIF])
def test_an_unreadable_image_is_named(folder, content):
    (folder / "a" / "broken.png").write_bytes(content)
    with pytest.raises(ToolError, match=r"but 1 of 5 cannot be read: .*a.broken\.png \(.+\)"):
        pixels_of(folder, (4, 6, 3), preprocessing="none")


def test_a_truncated_image_is_named(folder):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), "uint8")
    path = folder / "cut.png"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ToolError, match=r"1 of 5 cannot be read: .*cut\.png \(.*truncated"):
        pixels_of(folder, (4, 6, 3), preprocessing="none")


def break_images(folder, count):
    broken = [folder / "b" / f"broken{index}.png" for index in range(count)]
    for file in broken:
        file.write_text("no image")
    return broken


def test_of_many_unreadable_images_the_first_are_named(folder):
    break_images(folder, 5)
    with pytest.raises(ToolError, match="5 of 9 cannot be read") as caught:
        pixels_of(folder, (4, 6, 3), preprocessing="none")
    message = str(caught.value)
    assert message.count("broken") == 3
    assert "and 2 more. Remove or replace them, or leave them out with skip_unread" in message
    assert "BytesIO" not in message


def test_unreadable_images_are_left_out_if_asked(folder):
    broken = break_images(folder, 2)
    options = {"limit": None, "preprocessing": "none", "skip_unreadable": True}
    loaded = load_images(folder, (4, 6, 3), **options)
    assert loaded.skipped == tuple(broken)
    assert [file.name for file in loaded.files] == ["1.bmp", "2.JPG", "1.png", "c.png"]
    np.testing.assert_allclose(loaded.pixels[2, 1, 1], [10, 20, 30], atol=1)


def test_a_folder_of_nothing_but_unreadable_images(tmp_path):
    (tmp_path / "b").mkdir()
    break_images(tmp_path, 2)
    with pytest.raises(ToolError, match=r"2 of 2 cannot be read: .*\. None is left to use"):
        pixels_of(tmp_path, (4, 6, 3), preprocessing="none", skip_unreadable=True)


def test_what_the_system_hides_is_no_image(folder):
    (folder / "a" / "._1.png").write_text("what macOS leaves beside a file")
    assert len(pixels_of(folder, (4, 6, 3), preprocessing="none")) == 4


def test_a_folder_without_images(tmp_path):
    (tmp_path / "labels.txt").write_text("no image")
    with pytest.raises(ToolError, match=r"expected images \(.*\.png.*\), found none"):
        pixels_of(tmp_path, (4, 6, 3), preprocessing="none")


@pytest.mark.parametrize("shape", [(10,), (4, 6, 2), (3, 32, 32)])
def test_inputs_that_are_not_images(folder, shape):
    with pytest.raises(ToolError, match=r"images fit an input of \(height, width, 1 or 3\)"):
        pixels_of(folder, shape, preprocessing="none")
