"""Which fonts the training and the test images show, and which shipped fonts are of no use."""

from __future__ import annotations

import string
from pathlib import Path

from command_line import InputError

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GLYPH_NAMES = (*DIGIT_NAMES, *string.ascii_uppercase, *string.ascii_lowercase)

# All of Matplotlib's fonts that have the characters. No typeface is on both sides: its bold or
# slanted cut would give a test font away. Of Computer Modern the sans serif and the typewriter are
# typefaces of their own.
TRAIN_FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-BoldOblique.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSansMono-BoldOblique.ttf",
    "DejaVuSansMono-Oblique.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "DejaVuSerif-BoldItalic.ttf",
    "DejaVuSerif-Italic.ttf",
    "cmb10.ttf",
    "cmr10.ttf",
    "cmti10.ttf",
)
TEST_FONTS = (
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralBolIta.ttf",
    "STIXGeneralItalic.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
)


def font_folder() -> Path:
    """Returns where Matplotlib keeps its fonts."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def lacking(font: Path) -> str:
    """Returns the characters that a font lacks.

    Symbol fonts draw other things at the codes of letters, so the names of the glyphs count.
    """
    from matplotlib.ft2font import FT2Font

    face = FT2Font(str(font))
    glyphs = face.get_charmap()
    found = (
        face.get_glyph_name(glyphs[ord(character)]) if ord(character) in glyphs else None
        for character in CHARACTERS
    )
    pairs = zip(CHARACTERS, GLYPH_NAMES, found, strict=True)
    return "".join(character for character, expected, name in pairs if name != expected)


def font_files(names: tuple[str, ...]) -> list[Path]:
    """Returns the files of fonts by name; raises InputError for one that cannot be used."""
    folder = font_folder()
    files = [folder / name for name in names]
    for file in files:
        if not file.exists():
            raise InputError(
                f"{file}: Matplotlib's font is not there, and the data set needs it. Install "
                "Matplotlib from its wheel: pip install --force-reinstall matplotlib"
            )
        if missing := lacking(file):
            raise InputError(f"{file}: lacks the characters {missing}.")
    return files
