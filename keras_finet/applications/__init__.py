"""Model builders with the signatures and the manners of `keras.applications`."""

from keras_finet.applications.classifier import decode_predictions, preprocess_input
from keras_finet.applications.finet import FinetLarge, FinetSmall
from keras_finet.applications.resnet import ResNet18, ResNet50

__all__ = [
    "FinetLarge",
    "FinetSmall",
    "ResNet18",
    "ResNet50",
    "decode_predictions",
    "preprocess_input",
]
