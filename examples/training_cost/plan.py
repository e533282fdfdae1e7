"""What can be compared, by name: known before Keras is imported."""

from __future__ import annotations

import dataclasses

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
NETWORKS = ("FinetSmall", "FinetLarge", "ResNet18")
SMOKE_NETWORK = "two layers"
SMOKE_VARIANTS = ("g4", "paper")

BASELINE = "bn"
VARIANTS = {
    BASELINE: "BN",
    "none": "no normalisation",
    "fused": "BN, fused kernel",
    "g2": "FBN G=2",
    "g4": "FBN G=4",
    "g8": "FBN G=8",
    "direct": "FBN G=4, direct",
    "paper": "FBN G=4, the paper's construction",
    "shifted_relu": "Shifted ReLU, 1-bit weights",
    "mimic_norm": "MimicNorm",
    "normalizer_free": "Normalizer-free, AGC",
}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One network on one backend in one precision: what its variants have in common.

    Attributes:
        backend: Keras backend.
        precision: Keras dtype policy.
        network: One of `NETWORKS`.
        side: Height and width of the images, in pixels.
        batch: Images in a training step.
        rounds: How often every variant is timed.
    """

    backend: str
    precision: str
    network: str
    side: int
    batch: int
    rounds: int

    def __str__(self) -> str:
        return (
            f"{self.network}, {self.side}×{self.side}, batch {self.batch}, {self.precision}, "
            f"{self.backend}"
        )


def comparison(
    backend: str, precision: str, network: str, *, side: int, batch: int, rounds: int
) -> Comparison:
    """Returns the comparison of a network; ResNet18 is the CIFAR one, on twice the batch."""
    if network == "ResNet18":
        side, batch = 32, 2 * batch
    return Comparison(backend, precision, network, side, batch, rounds)
