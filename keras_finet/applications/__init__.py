"""Model builders with the signatures and the manners of `keras.applications`."""

from keras_finet.applications.classifier import decode_predictions, preprocess_input
from keras_finet.applications.finet import FinetLarge, FinetSmall

__all__ = ["FinetLarge", "FinetSmall", "decode_predictions", "preprocess_input"]
