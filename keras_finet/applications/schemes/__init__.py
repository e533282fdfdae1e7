"""The ways to normalise a network, each one object that makes its convolutions."""

from keras_finet.applications.schemes.batch_norm import BatchNormScheme, FineGrainedScheme
from keras_finet.applications.schemes.scheme import Branch, Scheme

__all__ = ["BatchNormScheme", "Branch", "FineGrainedScheme", "Scheme"]
