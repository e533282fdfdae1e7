"""What is done to images, against Pillow, NumPy and the distributions that are promised."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from recipe import augmentation

DRAWS = 4000


def picture(height, width, seed=0):
    """Smooth enough that JPEG keeps it, different everywhere."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 5, 3)).astype("uint8")
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def encoded(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return tf.constant(file.getvalue())


def drawn(function, count=DRAWS):
    """What a function of a seed gives for many seeds, as a tuple of arrays."""
    seeds = tf.data.Dataset.range(count).map(lambda index: tf.stack([7, index]))
    return next(seeds.map(function).batch(count).as_numpy_iterator())


def uniformity(values, low, high, bins=10):
    """Chi-squared of the counts in equal bins, by degree of freedom."""
    counts, _ = np.histogram(values, bins, (low, high))
    expected = len(values) / bins
    return ((counts - expected) ** 2 / expected).sum() / (bins - 1)


@pytest.fixture(scope="module")
def windows():
    """Of an image in which every window fits, so that none is drawn again: top, left, size."""
    side = tf.constant(20_000)
    return drawn(lambda seed: augmentation.crop_window(side, side, seed))


def test_windows_lie_in_the_image_and_in_their_bounds(windows):
    top, left, height, width = windows
    assert (np.minimum(top, left) >= 0).all()
    assert (np.maximum(top + height, left + width) <= 20_000).all()
    area, aspect = height * (width / 20_000**2), width / height
    assert area.min() >= 0.0799
    assert area.max() <= 1.0
    assert aspect.min() >= 0.7499
    assert aspect.max() <= 4 / 3 + 1e-4


def test_areas_and_aspects_are_uniform_where_every_window_fits(windows):
    _, _, height, width = windows
    area, aspect = height * (width / 20_000**2), np.log(width / height)
    # Up to an area of 3/4 every aspect fits.
    assert uniformity(area[area < 0.74], 0.08, 0.74) < 2.5
    assert uniformity(aspect[area < 0.74], np.log(3 / 4), np.log(4 / 3)) < 2.5


def test_places_are_uniform(windows):
    top, left, height, width = windows
    for place, size in ((top, height), (left, width)):
        small = size < 15_000
        assert uniformity(place[small] / (20_000 - size[small]), 0, 1) < 2.5


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (10, 1000, (0, 493, 10, 13)),  # aspect 4/3 of the height
        (1000, 10, (493, 0, 13, 10)),  # 3/4 of the width
        (1, 1, (0, 0, 1, 1)),
    ],
)
def test_where_no_window_fits_the_centre(height, width, expected):
    seed = tf.constant([0, 1], tf.int64)
    found = augmentation.crop_window(tf.constant(height), tf.constant(width), seed)
    assert tuple(int(value) for value in found) == expected


def test_a_window_of_a_jpeg_is_decoded_as_if_from_the_whole():
    pixels = picture(70, 90)
    file = encoded(pixels, "JPEG", quality=95, subsampling=0)
    decoded = tf.io.decode_jpeg(file).numpy()
    for number in range(20):
        seed = tf.constant([7, number], tf.int64)
        window_seed, flip_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        top, left, height, width = (
            int(side) for side in augmentation.crop_window(70, 90, window_seed)
        )
        part = decoded[top : top + height, left : left + width]
        expected = Image.fromarray(part).resize((32, 32), Image.Resampling.BILINEAR)
        expected = np.asarray(expected, "float32")
        if tf.random.stateless_uniform((), flip_seed) < 0.5:
            expected = expected[:, ::-1]
        found = augmentation.random_resized_crop(file, seed, 32).numpy()
        np.testing.assert_allclose(found, expected, atol=1.01)  # Pillow rounds twice


def test_a_png_is_cropped_by_the_same_windows_as_a_jpeg():
    jpeg = encoded(picture(50, 40), "JPEG", subsampling=0)
    png = encoded(tf.io.decode_jpeg(jpeg).numpy())
    for number in range(5):
        seed = tf.constant([3, number], tf.int64)
        from_jpeg, from_png = (
            augmentation.random_resized_crop(file, seed, 24) for file in (jpeg, png)
        )
        np.testing.assert_allclose(from_png, from_jpeg, atol=1e-3)


def test_flips_are_half_of_all():
    image = tf.constant([[[1.0], [2.0]]])
    firsts = drawn(lambda seed: augmentation.random_flip(image, seed)[0, 0, 0])
    assert set(firsts) == {1.0, 2.0}
    assert abs((firsts == 2.0).mean() - 0.5) < 4 * 0.5 / DRAWS**0.5


@pytest.mark.parametrize(("height", "width"), [(300, 400), (511, 333), (256, 256), (100, 90)])
def test_evaluation_is_pillows_resize_and_a_centre_crop(height, width):
    pixels = picture(height, width)
    scale = 256 / min(height, width)
    size = (256, int(scale * height)) if width < height else (int(scale * width), 256)
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    top, left = (round((side - 224) / 2) for side in resized.shape[:2])
    found = augmentation.resize_and_center_crop(encoded(pixels), 224).numpy()
    assert found.shape == (224, 224, 3)
    expected = resized[top : top + 224, left : left + 224].astype("float32")
    np.testing.assert_allclose(found, expected, atol=1.01)  # Pillow rounds, in two passes


def test_the_evaluation_crop_is_exact_where_nothing_is_resized():
    pixels = np.random.default_rng(0).integers(0, 256, (256, 301, 3)).astype("uint8")
    found = augmentation.resize_and_center_crop(encoded(pixels), 224).numpy()
    np.testing.assert_array_equal(found, pixels[16:240, 38:262])  # 38.5 to the even 38


def test_cifar_crops_are_exact_parts_of_the_padded_image():
    pixels = np.random.default_rng(1).integers(1, 256, (32, 32, 3)).astype("uint8")
    padded = np.pad(pixels, [(2, 2), (2, 2), (0, 0)])
    crops = {
        (top, left, flip): padded[top : top + 32, left : left + 32][:, ::flip].astype("float32")
        for top in range(5)
        for left in range(5)
        for flip in (1, -1)
    }
    file = encoded(pixels)
    images = drawn(lambda seed: augmentation.pad_and_crop(file, seed, 32), 1500)
    bytes_of = {crop.tobytes(): key for key, crop in crops.items()}
    found = [bytes_of[image.tobytes()] for image in images]  # every image is one of them
    counts = np.array([found.count(key) for key in crops])
    assert ((counts - 30) ** 2 / 30).sum() < 90  # all fifty about as often: chi-squared, p < 0.001


@pytest.mark.parametrize("size", [32, 18, 12])
def test_cut_out_puts_whole_numbers_into_one_square(size):
    image = np.full((size, size, 3), -1, "float32")
    found = drawn(lambda seed: augmentation.cut_out(tf.constant(image), seed, size), 300)
    side = min(18, size)
    corners = set()
    for each in found:
        rows, columns, _ = np.nonzero(each >= 0)
        top, left = rows.min(), columns.min()
        expected = image.copy()
        square = np.s_[top : top + side, left : left + side]
        expected[square] = each[square]
        np.testing.assert_array_equal(each, expected)
        assert each[square].min() >= 0, "all of the square"
        corners.add((int(top), int(left)))
    last = size - side
    assert {min(corners)[0], max(corners)[0]} == {0, last}
    assert len(corners) == 1 if last == 0 else len(corners) > 100
    noise = found[found >= 0]
    assert set(np.unique(noise)) == set(range(256)), "whole numbers of a byte, all of them"
    counts = np.bincount(noise.astype(int))
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() / 255 < 1.4


def test_shift_and_cut_out_against_numpy():
    pixels = np.random.default_rng(5).integers(0, 256, (32, 32, 3)).astype("uint8")
    padded = np.pad(pixels, [(4, 4), (4, 4), (0, 0)])
    windows = {
        (top, left, flip): padded[top : top + 32, left : left + 32][:, ::flip].astype("float32")
        for top in range(9)
        for left in range(9)
        for flip in (1, -1)
    }
    crops = np.stack(list(windows.values()))
    file = encoded(pixels)
    images = drawn(lambda seed: augmentation.shift_and_cut_out(file, seed, 32), 300)
    found = set()
    for image in images:
        differs = (crops != image).any(-1)
        best = differs.sum((1, 2)).argmin()
        rows, columns = np.nonzero(differs[best])
        assert max(np.ptp(rows), np.ptp(columns)) < 18, "all but one square is the shifted image"
        assert differs[best].sum() >= 18 * 18 - 2
        found.add(list(windows)[best])
    assert {key[0] for key in found} == {key[1] for key in found} == set(range(9))
    assert {key[2] for key in found} == {1, -1}


def test_small_images_are_evaluated_as_they_are():
    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 3)).astype("uint8")
    np.testing.assert_array_equal(augmentation.whole_image(encoded(pixels), 32).numpy(), pixels)


def test_what_is_drawn_depends_on_the_seed_alone():
    file = encoded(picture(60, 60))
    one, same, other = (
        augmentation.random_resized_crop(file, tf.constant(seed, tf.int64), 32).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_images_of_other_modes_become_rgb(mode):
    file = io.BytesIO()
    Image.fromarray(picture(40, 40)).convert(mode).save(file, "PNG")
    assert augmentation.whole_image(tf.constant(file.getvalue()), 32).shape == (32, 32, 3)
