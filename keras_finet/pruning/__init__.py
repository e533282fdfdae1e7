"""Training with most of the weights at zero, in a form that survives fusion and conversion."""

from keras_finet.pruning.callback import MagnitudePruning

__all__ = ["MagnitudePruning"]
