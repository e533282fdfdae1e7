"""How quantisation-aware training trains, checked before anything is loaded."""

import importlib.util
import math
from dataclasses import dataclass

from tflite_tools.errors import ToolError

_PACKAGES = {
    "tensorflow_model_optimization": "tensorflow-model-optimization",
    "tf_keras": "tf_keras",
}


@dataclass(frozen=True)
class QatSettings:
    """The numbers that a training depends on.

    Attributes:
        epochs: How often it goes over the samples.
        learning_rate: Adam's at the beginning; it falls to zero as a half cosine.
        batch_size: Samples in a step.
        seed: For the order of the samples.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    seed: int

    def check(self) -> None:
        """Refuses numbers that no training can run with."""
        for name, smallest in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
                raise ToolError(f"{name}: expected a whole number from {smallest}, got {value!r}.")
        rate = self.learning_rate
        if not isinstance(rate, int | float) or not (math.isfinite(rate) and rate > 0):
            raise ToolError(f"learning_rate: expected a positive number, got {rate!r}.")


def check_installed() -> None:
    """Refuses to begin without the packages of the extra `qat`; imports none of them."""
    missing = [name for module, name in _PACKAGES.items() if not importlib.util.find_spec(module)]
    if missing:
        raise ToolError(
            f"quantisation-aware training needs {' and '.join(missing)}. Install with: "
            "pip install 'keras-finet[qat]'"
        )
