"""What replicas of a model, on several devices, have in common."""

from keras import ops

from keras_finet.layers.channels import Tensor


def replica_mean(vector: Tensor) -> Tensor:
    """Returns the mean of a vector over the replicas of a `tf.distribute` strategy.

    `ops.moments` is the one public operation of Keras that reduces over replicas.
    """
    mean, _ = ops.moments(ops.expand_dims(vector, 0), axes=[0], synchronized=True)
    return mean
