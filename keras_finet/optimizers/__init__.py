"""Optimizers: what networks without normalisations need beside those of Keras."""

from keras_finet.optimizers.adaptive_gradient_clipping import AdaptiveGradientClipping

__all__ = ["AdaptiveGradientClipping"]
