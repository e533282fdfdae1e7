"""Fine-grained batch normalisation put into an existing model: plan, then rewrite."""

from keras_finet.fine_grain.plan import FineGrainPlan, plan_fine_grain
from keras_finet.fine_grain.rewrite import fine_grain

__all__ = ["FineGrainPlan", "fine_grain", "plan_fine_grain"]
