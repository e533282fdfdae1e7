"""Keras layers: those that fold into stock convolutions, and what ShuffleNetV2 needs."""

from keras_finet.layers.channel_shuffle_split import ChannelShuffleSplit
from keras_finet.layers.fine_grained_batch_norm import FineGrainedBatchNorm
from keras_finet.layers.fold import ConvWeights, Foldable

__all__ = ["ChannelShuffleSplit", "ConvWeights", "FineGrainedBatchNorm", "Foldable"]
