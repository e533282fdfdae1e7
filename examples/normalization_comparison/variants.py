"""What is compared: the same network with another normalisation, by name.

A row is all that a further normalisation needs. Known before Keras is imported.
"""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Variant:
    """One normalisation.

    Attributes:
        title: Its name in tables and pictures.
        arguments: What a builder of `keras_finet` makes it with.
        clips_gradients: Whether its optimizer stands in an `AdaptiveGradientClipping`.
    """

    title: str
    arguments: dict[str, Any]
    clips_gradients: bool = False


BASELINE = "bn"
VARIANTS = {
    BASELINE: Variant("BN", {"groups": 1}),
    "g2": Variant("FBN G=2", {"groups": 2}),
    "g4": Variant("FBN G=4", {"groups": 4}),
    "g8": Variant("FBN G=8", {"groups": 8}),
    "bn_plain": Variant("BN, no affine", {"groups": 1, "affine": False}),
    "g2_plain": Variant("FBN G=2, no affine", {"groups": 2, "affine": False}),
    "g4_plain": Variant("FBN G=4, no affine", {"groups": 4, "affine": False}),
    "g8_plain": Variant("FBN G=8, no affine", {"groups": 8, "affine": False}),
    "shifted_relu": Variant("Shifted ReLU, 1-bit weights", {"normalization": "shifted_relu"}),
    "mimic_norm": Variant("MimicNorm", {"normalization": "mimic_norm"}),
    "normalizer_free": Variant(
        "Normalizer-free, AGC", {"normalization": "normalizer_free"}, clips_gradients=True
    ),
}
