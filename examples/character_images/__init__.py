"""Images of letters and digits from the fonts that Matplotlib ships: a data set that needs no file.

62 classes, 32×32 RGB; the test images are of typefaces that no training image shows.
"""

from character_images.data import CHARACTERS, load_characters

__all__ = ["CHARACTERS", "load_characters"]
