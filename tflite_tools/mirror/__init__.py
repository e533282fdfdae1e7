"""A network that a `GraphSpec` describes, built in tf_keras, the Keras that tfmot takes.

Only worker processes import tf_keras: `build` does, importing this package does not.
"""

from tflite_tools.mirror.building import Mirror, build
from tflite_tools.mirror.separating import separated

__all__ = ["Mirror", "build", "separated"]
