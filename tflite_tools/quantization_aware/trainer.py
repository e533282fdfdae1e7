"""The steps of quantisation-aware training, in tf_keras. Only a worker imports this module."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import GraphSpec, Reference
from tflite_tools.mirror import build
from tflite_tools.quantization_aware.preparing import ends_in_softmax, prepared
from tflite_tools.quantization_aware.quantized import build_quantized
from tflite_tools.samples import AnyArray, FloatArray

_BATCH = 64  # where nothing is trained


class Batches:
    """Samples and the outputs to reach, in random batches; a last, smaller one is dropped.

    Args:
        samples: What to train on.
        targets: The output that each is to have.
        settings: The fields of `QatSettings`: the size of a batch, and the seed of the order.
    """

    def __init__(
        self, samples: FloatArray, targets: FloatArray, settings: Mapping[str, Any]
    ) -> None:
        self._samples, self._targets = samples, targets
        self._size = min(settings["batch_size"], len(samples))
        self._rng = np.random.default_rng(settings["seed"])

    def __len__(self) -> int:
        return len(self._samples) // self._size

    def epoch(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yields the batches of one epoch, in an order of its own."""
        order = self._rng.permutation(len(self._samples))
        for batch in range(len(self)):
            # In order: the samples may lie in a file.
            chosen = np.sort(order[batch * self._size :][: self._size])
            yield self._samples[chosen], self._targets[chosen]


class Trainer:
    """A network twice, in float and rounding as int8 does.

    The loss is the distance of the rounding network's outputs from those of the float network
    that it was made from: the Kullback-Leibler divergence of the probabilities if it ends in a
    softmax, else the squared error in units of the outputs' variance. Ranges of activations are
    their true smallest and largest values in the float network of the moment.

    Args:
        spec: The network.
        calibration: What the ranges are taken from.
        seed: Of what little is random in TensorFlow.
    """

    def __init__(self, spec: GraphSpec, calibration: FloatArray, seed: int) -> None:
        tf_keras.utils.set_random_seed(seed)
        graph = prepared(spec)
        self._name = spec.name
        self._calibration = calibration
        self._quantized = build_quantized(graph)
        points = tuple(Reference(name) for name in self._quantized.ranges)
        self._float = build(graph, outputs=(*graph.outputs, *points))
        self._distance = _divergence if ends_in_softmax(spec) else _squared_error
        self._variables = [
            variable
            for variables in self._quantized.mirror.weights.values()
            for variable in variables
            if variable.trainable
        ]
        # What was pruned stays so.
        self._pruned = [
            (variable, tf.constant(variable.numpy() != 0))
            for variable in self._variables
            if len(variable.shape) > 1 and not variable.numpy().all()
        ]

    def schedule(self, learning_rate: float, steps: int) -> None:
        """Makes the optimizer for a training of so many steps."""
        falling = tf_keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        self._optimizer = tf_keras.optimizers.Adam(falling)

    def float_answers(self, samples: FloatArray) -> FloatArray:
        """What the float network of the moment answers: scores, where it ends in a softmax."""
        return np.concatenate([self._float_outputs(batch)[0] for batch in _in_order(samples)])

    def calibrate(self) -> None:
        """Takes the ranges of the activations from the float network with the trained weights."""
        for name, variables in self._quantized.mirror.weights.items():
            for own, trained in zip(self._float.weights[name], variables, strict=True):
                own.assign(trained)
        extremes = [self._float_outputs(batch)[1:] for batch in _in_order(self._calibration)]
        lows = np.min([low for low, _ in extremes], axis=0)
        highs = np.max([high for _, high in extremes], axis=0)
        for own_range, low, high in zip(self._quantized.ranges.values(), lows, highs, strict=True):
            own_range.set(low, high)

    def run_epoch(self, batches: Batches, epoch: int) -> float:
        """Trains once on all batches and returns the mean loss."""
        losses = [float(self._step(samples, targets)) for samples, targets in batches.epoch()]
        mean = float(np.mean(losses))
        if not np.isfinite(mean):
            raise ToolError(
                f"{self._name}: the training diverged in epoch {epoch}, its loss is not finite. "
                "Take a smaller learning_rate."
            )
        return mean

    def evaluate(
        self, samples: FloatArray, targets: FloatArray, labels: AnyArray | None
    ) -> dict[str, float | None]:
        """The loss of the rounding network, and how often it and the float network agree."""
        outputs = np.concatenate([self._rounded_outputs(batch) for batch in _in_order(samples)])
        loss = float(self._distance(targets, outputs))
        if outputs.ndim != 2 or outputs.shape[1] < 2:
            return {"loss": loss, "top1": None, "agreement": None}
        chosen = outputs.argmax(-1)
        return {
            "loss": loss,
            "top1": None if labels is None else float(np.mean(chosen == labels)),
            "agreement": float(np.mean(chosen == targets.argmax(-1))),
        }

    def weights(self) -> dict[str, tuple[AnyArray, ...]]:
        """The trained weights by node."""
        return {
            name: tuple(variable.numpy() for variable in variables)
            for name, variables in self._quantized.mirror.weights.items()
        }

    @tf.function
    def _step(self, samples: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self._distance(targets, self._quantized.mirror.model(samples, training=True))
        gradients = tape.gradient(loss, self._variables)
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True))
        for variable, kept in self._pruned:
            variable.assign(tf.where(kept, variable, 0.0))
        return loss

    @tf.function(reduce_retracing=True)
    def _rounded_outputs(self, samples: Any) -> Any:
        return self._quantized.mirror.model(samples, training=False)

    @tf.function(reduce_retracing=True)
    def _float_outputs(self, samples: Any) -> Any:
        """Outputs, and the smallest and largest values of every rounded tensor."""
        outputs, *tensors = self._float.model(samples, training=False)
        lows = tf.stack([tf.reduce_min(tensor) for tensor in tensors])
        highs = tf.stack([tf.reduce_max(tensor) for tensor in tensors])
        return outputs, lows, highs


def _in_order(samples: FloatArray) -> Iterator[FloatArray]:
    for start in range(0, len(samples), _BATCH):
        yield samples[start : start + _BATCH]


def _divergence(targets: Any, outputs: Any) -> Any:
    """The mean Kullback-Leibler divergence of the probabilities that two sets of scores mean."""
    wanted, got = tf.nn.log_softmax(targets), tf.nn.log_softmax(outputs)
    return tf.reduce_mean(tf.reduce_sum(tf.exp(wanted) * (wanted - got), -1))


def _squared_error(targets: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.square(outputs - targets)) / (tf.math.reduce_variance(targets) + 1e-12)
