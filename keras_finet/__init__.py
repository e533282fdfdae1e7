"""Fine-grained batch normalisation for Keras 3: train wide, deploy as plain convolutions."""

from keras_finet.fusion import fuse, plan_fusion, verify_fusion
from keras_finet.layers import FineGrainedBatchNorm

__all__ = ["FineGrainedBatchNorm", "fuse", "plan_fusion", "verify_fusion"]
