"""Fine-grained batch normalisation for Keras 3: train wide, deploy as plain convolutions."""

from keras_finet.applications import (
    FinetLarge,
    FinetSmall,
    MnasNet,
    ResNet18,
    ResNet50,
    ShuffleNetV2,
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
    "FineGrainedBatchNorm",
    "FinetLarge",
    "FinetSmall",
    "MagnitudePruning",
    "MnasNet",
    "ResNet18",
    "ResNet50",
    "ShuffleNetV2",
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
