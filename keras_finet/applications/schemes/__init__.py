"""The ways to normalise a network, each one object that makes its convolutions."""

from keras_finet.applications.schemes.batch_norm import BatchNormScheme, FineGrainedScheme
from keras_finet.applications.schemes.choice import (
    SchemeOptions,
    check_choice,
    groups_of,
    scheme_of,
)
from keras_finet.applications.schemes.normalizer_free import ExpectedVariances
from keras_finet.applications.schemes.scheme import Branch, Scheme
from keras_finet.applications.schemes.shifted_relu import normalized_image, padding

__all__ = [
    "BatchNormScheme",
    "Branch",
    "ExpectedVariances",
    "FineGrainedScheme",
    "Scheme",
    "SchemeOptions",
    "check_choice",
    "groups_of",
    "normalized_image",
    "padding",
    "scheme_of",
]
