"""From a trained model to the plain one that is deployed: plan, rewrite, verify."""

from keras_finet.fusion.plan import FusionPlan, plan_fusion
from keras_finet.fusion.rewrite import fuse
from keras_finet.fusion.verify import FusionReport, verify_fusion
from keras_finet.planning import Decision

__all__ = ["Decision", "FusionPlan", "FusionReport", "fuse", "plan_fusion", "verify_fusion"]
