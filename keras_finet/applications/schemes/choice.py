"""Which scheme a user asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras_finet.applications.schemes.batch_norm import FineGrainedScheme
from keras_finet.applications.schemes.mimic_norm import VARIANCE, MimicNormScheme
from keras_finet.applications.schemes.normalizer_free import NormalizerFreeScheme
from keras_finet.applications.schemes.scheme import Scheme
from keras_finet.applications.schemes.shifted_relu import ShiftedReLUScheme

NORMALIZATIONS = ("fbn", "shifted_relu", "mimic_norm", "normalizer_free")
DEFAULT_GROUPS = 4
DEFAULT_EPSILON = 1e-3


def groups_of(normalization: str, groups: int | None) -> int:
    """Returns what the argument `groups` comes to if it is None."""
    if groups is not None:
        return groups
    return DEFAULT_GROUPS if normalization == "fbn" else 1


@dataclass(frozen=True)
class SchemeOptions:
    """A builder's arguments that say how it is normalised.

    Attributes:
        normalization: One of `NORMALIZATIONS`.
        groups: As `groups_of` gives it.
        channels_per_group: Instead of `groups`.
        affine: Whether fine-grained normalisations have learned factors and offsets.
        epsilon: Of every batch normalisation, fine-grained or not.

    Raises:
        ValueError: for another normalisation, or arguments that do not go together.
    """

    normalization: str
    groups: int
    channels_per_group: int | None
    affine: bool
    epsilon: float

    def __post_init__(self) -> None:
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        if self.normalization != "fbn":
            self._check_left_out()
        elif self.channels_per_group is not None and self.groups != DEFAULT_GROUPS:
            raise ValueError(
                "Expected either `groups` or `channels_per_group`. Received: "
                f"groups={self.groups} and channels_per_group={self.channels_per_group}. "
                "Leave one of them out."
            )

    def _check_left_out(self) -> None:
        given = {
            "groups": self.groups != 1,
            "channels_per_group": self.channels_per_group is not None,
            "affine": not self.affine,
            "epsilon": self.epsilon != DEFAULT_EPSILON,
        }
        received = [
            f"{name}={getattr(self, name)!r}" for name, is_given in given.items() if is_given
        ]
        if received:
            raise ValueError(
                "Expected `groups`, `channels_per_group`, `affine` and `epsilon` with "
                f'normalization="fbn" only. Received: {", ".join(received)} with '
                f'normalization="{self.normalization}", which has no groups. Leave them out.'
            )


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raises ValueError if the argument `name` is not one of `choices`."""
    if value not in choices:
        raise ValueError(f"Expected `{name}` to be one of {choices}. Received: {value!r}")


def scheme_of(
    options: SchemeOptions,
    split: Callable[[int], dict[str, Any]],
    *,
    temperature: float,
    variance: float = VARIANCE,
) -> Scheme:
    """Makes the scheme for one network.

    Args:
        options: What was asked for.
        split: For `"fbn"`, as in `FineGrainedScheme`.
        temperature: For `"shifted_relu"`: what the network's scores are divided by.
        variance: For `"mimic_norm"`, as in `MimicNormScheme`.
    """
    if options.normalization == "fbn":
        return FineGrainedScheme(options.epsilon, options.affine, split)
    if options.normalization == "shifted_relu":
        return ShiftedReLUScheme(temperature)
    if options.normalization == "mimic_norm":
        return MimicNormScheme(variance)
    return NormalizerFreeScheme()
