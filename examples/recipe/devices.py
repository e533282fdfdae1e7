"""Who may use the GPUs."""

from __future__ import annotations

import keras
import tensorflow as tf


def leave_gpus_to_keras() -> None:
    """Keeps TensorFlow off the GPUs where it only feeds the images of another backend.

    It would take all of their memory. Has to come before TensorFlow's first operation; after that
    another call changes nothing.
    """
    if keras.config.backend() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
