"""Which of Matplotlib's fonts have the characters, by the names of their glyphs."""

import pytest
from character_images.fonts import (
    CHARACTERS,
    TEST_FONTS,
    TRAIN_FONTS,
    font_files,
    font_folder,
    lacking,
)
from command_line import InputError


def test_every_font_that_has_the_characters_is_used():
    complete = {file.name for file in font_folder().glob("*.ttf") if not lacking(file)}
    assert complete == {*TRAIN_FONTS, *TEST_FONTS}
    assert len(complete) == len(TRAIN_FONTS) + len(TEST_FONTS)


@pytest.mark.parametrize(
    ("font", "missing"),
    [
        ("cmex10.ttf", CHARACTERS),  # brackets and roots at the codes of letters
        ("cmmi10.ttf", CHARACTERS[:10]),  # old style digits
        ("STIXSizOneSymReg.ttf", CHARACTERS),  # no glyphs at these codes
        ("LastResortHE-Regular.ttf", CHARACTERS),  # the same box for all
    ],
)
def test_symbol_fonts_are_found_out(font, missing):
    assert lacking(font_folder() / font) == missing


def test_a_font_without_the_characters_is_refused():
    with pytest.raises(InputError, match="lacks the characters 0123456789"):
        font_files(("cmmi10.ttf",))


def test_a_font_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"gone\.ttf: Matplotlib's font is not there"):
        font_files(("gone.ttf",))
