"""Keras layers: those that fold into stock layers, and what ShuffleNetV2 needs."""

from keras_finet.layers.branch_scale import BranchScale
from keras_finet.layers.centering import Centered, ZeroMean
from keras_finet.layers.channel_shuffle_split import ChannelShuffleSplit
from keras_finet.layers.fine_grained_batch_norm import FineGrainedBatchNorm
from keras_finet.layers.fold import ConvWeights, Foldable, FoldableConvolution
from keras_finet.layers.mean_sign_conv import MeanSignConv2D
from keras_finet.layers.rprelu import RPReLU
from keras_finet.layers.rsign import RSign
from keras_finet.layers.shifted_relu import ShiftedReLU
from keras_finet.layers.sign_conv import SignConv2D, SignDepthwiseConv2D
from keras_finet.layers.standardized_conv import SignStandardizedConv2D, StandardizedConv2D
from keras_finet.layers.standardized_depthwise_conv import StandardizedDepthwiseConv2D

__all__ = [
    "BranchScale",
    "Centered",
    "ChannelShuffleSplit",
    "ConvWeights",
    "FineGrainedBatchNorm",
    "Foldable",
    "FoldableConvolution",
    "MeanSignConv2D",
    "RPReLU",
    "RSign",
    "ShiftedReLU",
    "SignConv2D",
    "SignDepthwiseConv2D",
    "SignStandardizedConv2D",
    "StandardizedConv2D",
    "StandardizedDepthwiseConv2D",
    "ZeroMean",
]
