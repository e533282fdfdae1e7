"""Fine-grained batch normalisation for Keras 3: train wide, deploy as plain convolutions."""

from keras_finet.applications import (
    CifarVGG16,
    FinetLarge,
    FinetSmall,
    MnasNet,
    ReActNet18,
    ReActNetA,
    ResNet18,
    ResNet50,
    ShuffleNetV2,
    WideResNet,
    decode_predictions,
    list_models,
    load_weights,
    preprocess_input,
)
from keras_finet.complexity import complexity
from keras_finet.fine_grain import fine_grain, plan_fine_grain
from keras_finet.fusion import fuse, plan_fusion, verify_fusion
from keras_finet.layers import FineGrainedBatchNorm
from keras_finet.optimizers import AdaptiveGradientClipping
from keras_finet.pruning import MagnitudePruning
from keras_finet.synchronization import plan_synchronization, synchronize

__all__ = [
    "AdaptiveGradientClipping",
    "CifarVGG16",
    "FineGrainedBatchNorm",
    "FinetLarge",
    "FinetSmall",
    "MagnitudePruning",
    "MnasNet",
    "ReActNet18",
    "ReActNetA",
    "ResNet18",
    "ResNet50",
    "ShuffleNetV2",
    "WideResNet",
    "complexity",
    "decode_predictions",
    "fine_grain",
    "fuse",
    "list_models",
    "load_weights",
    "plan_fine_grain",
    "plan_fusion",
    "plan_synchronization",
    "preprocess_input",
    "synchronize",
    "verify_fusion",
]
