"""Model builders with the signatures and the manners of `keras.applications`."""

from keras_finet.applications.cifar_vgg import CifarVGG16
from keras_finet.applications.classifier import decode_predictions, preprocess_input
from keras_finet.applications.finet import FinetLarge, FinetSmall
from keras_finet.applications.loading import load_weights
from keras_finet.applications.mnasnet import MnasNet
from keras_finet.applications.reactnet import ReActNet18, ReActNetA
from keras_finet.applications.registry import list_models
from keras_finet.applications.resnet import ResNet18, ResNet50
from keras_finet.applications.shufflenet_v2 import ShuffleNetV2
from keras_finet.applications.wide_resnet import WideResNet

__all__ = [
    "CifarVGG16",
    "FinetLarge",
    "FinetSmall",
    "MnasNet",
    "ReActNet18",
    "ReActNetA",
    "ResNet18",
    "ResNet50",
    "ShuffleNetV2",
    "WideResNet",
    "decode_predictions",
    "list_models",
    "load_weights",
    "preprocess_input",
]
