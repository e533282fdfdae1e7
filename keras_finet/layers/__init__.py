"""Keras layers that fold into stock convolutions."""

from keras_finet.layers.fine_grained_batch_norm import FineGrainedBatchNorm
from keras_finet.layers.fold import ConvWeights, Foldable

__all__ = ["ConvWeights", "FineGrainedBatchNorm", "Foldable"]
