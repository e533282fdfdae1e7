"""Images of characters: what is drawn is the character, where it belongs, and can be told."""

import numpy as np
import pytest
from character_images import drawing
from character_images.drawing import LUMINANCE, draw_images
from character_images.fonts import CHARACTERS, TEST_FONTS, font_files
from character_images.glyphs import SIDE, draw_glyphs
from scipy import ndimage

# What makes an image of a mask and nothing else.
PLAIN = {
    "ROTATION": 0.0,
    "SHEAR": 0.0,
    "SCALES": (1.0, 1.0),
    "STRETCH": 0.0,
    "SHIFT": 0.0,
    "TEXTURE": 0.0,
    "NOISE": 0.0,
    "OCCLUDED": 0.0,
}


@pytest.fixture(scope="module")
def glyphs():
    return draw_glyphs(font_files(TEST_FONTS[:1]))[0]


def plainly(monkeypatch, **changes):
    for name, value in {**PLAIN, **changes}.items():
        monkeypatch.setattr(drawing, name, value)


def coverage(images):
    """How much of each pixel is ink, from images of two colours; the corner is background."""
    images = images.astype(float)
    background = images[:, :1, :1]
    difference = np.abs(images - background).sum(-1)
    return difference / difference.max((1, 2), keepdims=True)


def test_glyphs_stand_on_one_line_in_the_middle(glyphs):
    inked = glyphs > 0.5
    lowest = {
        character: np.flatnonzero(inked[CHARACTERS.index(character)].any(1)).max()
        for character in "ATxzp"
    }
    assert max(lowest[character] - lowest["A"] for character in "Txz") <= 1
    assert lowest["p"] > lowest["A"] + 5
    heights = [
        np.flatnonzero(inked[CHARACTERS.index(character)].any(1)).min() for character in "cC"
    ]
    assert heights[0] > heights[1] + 8, "c is lower than C"
    middle = ndimage.center_of_mass(glyphs[CHARACTERS.index("H")])
    assert np.abs(np.array(middle) - (SIDE - 1) / 2).max() < 2
    assert glyphs[:, [0, -1]].max() == glyphs[:, :, [0, -1]].max() == 0, "all fit"


def test_a_plain_image_is_the_mask_at_half_its_size(glyphs, monkeypatch):
    plainly(monkeypatch)
    found = coverage(draw_images(glyphs, np.random.default_rng(0)))
    zoomed = np.stack(
        [
            ndimage.affine_transform(mask, [2, 2], offset=(SIDE - 1) / 2 - 31, order=1)
            for mask in glyphs
        ]
    )[:, :32, :32]
    zoomed /= zoomed.max((1, 2), keepdims=True)
    assert np.abs(found - zoomed).max() < 0.03  # colours are whole numbers


def test_rotation_and_shift_are_those_of_an_affine_map(glyphs, monkeypatch):
    """Against SciPy, with the drawn angle and shift read off the generator."""
    plainly(monkeypatch, ROTATION=0.4, SHIFT=4.0)
    masks = glyphs[:20]
    found = coverage(draw_images(masks, np.random.default_rng(5)))
    rng = np.random.default_rng(5)
    angle = rng.uniform(-0.4, 0.4, 20)
    for _ in range(3):  # shear, scale, stretch
        rng.uniform(size=20)
    right, down = rng.uniform(-4, 4, (2, 20))
    for mask, one, turn, x, y in zip(masks, found, angle, right, down, strict=True):
        back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        centre = np.array([15.5 + y, 15.5 + x])
        offset = (SIDE - 1) / 2 - 2 * back @ centre
        expected = ndimage.affine_transform(
            mask, 2 * back, offset=offset, output_shape=(32, 32), order=1
        )
        assert np.abs(one - expected / expected.max()).max() < 0.04


def test_characters_differ_in_brightness_from_the_background(glyphs, monkeypatch):
    plainly(monkeypatch)
    full = np.zeros((500, SIDE, SIDE), np.float32)
    full[:, 20:-20, 20:-20] = 1
    images = draw_images(full, np.random.default_rng(1)).astype(float)
    brightness = images @ LUMINANCE
    contrast = np.abs(brightness[:, 16, 16] - brightness[:, 0, 0])
    assert contrast.min() >= drawing.CONTRAST - 1.5
    assert contrast.max() > 1.3 * drawing.CONTRAST


def test_bars_cover_their_share_of_the_images(monkeypatch):
    plainly(monkeypatch, OCCLUDED=0.5)
    images = draw_images(np.zeros((1000, SIDE, SIDE), np.float32), np.random.default_rng(2))
    rows = images != images[:, :1, :1]
    pixels = np.count_nonzero(rows.any(-1), axis=(1, 2))
    # A bar in the corner looks like the background's colour: count both as covered.
    covered = pixels > 0
    assert 0.45 < covered.mean() < 0.55
    sizes = np.where(pixels > 512, 1024 - pixels, pixels)[covered]
    assert sizes.min() >= 2 * 8
    assert sizes.max() <= 6 * 24


def test_texture_and_noise_vary(monkeypatch):
    plainly(monkeypatch, TEXTURE=drawing.TEXTURE, NOISE=drawing.NOISE)
    images = draw_images(np.zeros((200, SIDE, SIDE), np.float32), np.random.default_rng(3))
    grain = np.diff(images.astype(float), axis=1).std((1, 2, 3))
    assert grain.min() < 4 < 10 < grain.max()
