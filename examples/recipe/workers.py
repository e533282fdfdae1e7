"""Training in several processes by `tf.distribute.MultiWorkerMirroredStrategy`.

Keras 3's own `fit` and `evaluate` fail under this strategy (keras-team/keras, issue 20585). Here
the strategy runs the model's public `train_step` and `test_step`; all else is what `fit` does.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from command_line import InputError

import keras_finet
from recipe.communication import reductions
from recipe.even_batches import endless, evenly_batched
from recipe.lost_workers import lost_workers
from recipe.shares import Share

Figures = dict[str, float]
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class Workers:
    """The `Distribution` over all GPUs of the processes that TF_CONFIG names.

    All workers do the same; only the first one, the chief, writes files.
    """

    def __init__(self) -> None:
        try:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (RuntimeError, tf.errors.OpError) as error:
            raise InputError(
                "--strategy multiworker: the workers of TF_CONFIG cannot be joined: "
                f"{' '.join(str(error).split())}"
            ) from error
        resolver = self._strategy.cluster_resolver
        self.replicas = self._strategy.num_replicas_in_sync
        self.share = Share(resolver.task_id, resolver.cluster_spec().num_tasks("worker"))
        self.is_chief = self.share.index == 0
        self.name = f"tf.distribute.MultiWorkerMirroredStrategy on {self.replicas} replicas"
        self._steps: dict[int, _Steps] = {}

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        return self._strategy.scope()

    def prepared(self, model: Any) -> Any:
        return keras_finet.synchronize(model)

    def announcement(self, model: Any) -> str:
        return f"On {self.name}: {reductions(model)}"

    def evaluation_data(self, batches: Any, batch_size: int, images: int) -> Any:
        return evenly_batched(batches, batch_size, images, self.share)

    def gathered(self, *numbers: int) -> list[tuple[int, ...]]:
        @tf.function
        def gathered() -> tf.Tensor:
            own = self._strategy.run(lambda: tf.constant([numbers]))
            return self._strategy.gather(own, axis=0)

        return [tuple(row) for row in gathered().numpy().tolist()]

    def losses(self) -> contextlib.AbstractContextManager[Any]:
        return lost_workers(_is_lost)

    def wait(self) -> None:
        with self.losses():
            self.gathered(0)

    def fit(
        self,
        model: Any,
        batches: Any,
        *,
        validation_data: Any = None,
        callbacks: Any = (),
        initial_epoch: int = 0,
        epochs: int = 1,
        verbose: str | int = "auto",
        shuffle: bool = False,
    ) -> keras.callbacks.History:
        """Does what `keras.Model.fit` does with these of its arguments."""
        if shuffle:
            raise ValueError("Expected data in an order of their own. Received: shuffle=True.")
        steps = self._steps.setdefault(id(model), _Steps(self._strategy, model))
        told = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=bool(verbose) and self.is_chief,
            verbose=1 if verbose == "auto" else verbose,
            epochs=epochs,
            steps=int(batches.cardinality()),
            model=model,
        )
        model.stop_training = False
        told.on_train_begin()
        logs: Figures = {}
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            told.on_epoch_begin(epoch)
            for step, data in enumerate(self._distributed(batches)):
                told.on_train_batch_begin(step)
                logs = steps.train(data)
                told.on_train_batch_end(step, logs)
            logs = _figures(model)  # with what callbacks have added, as in Keras
            if validation_data is not None:
                logs |= self._evaluated(model, validation_data, steps, told)
            told.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        model.optimizer.finalize_variable_values(model.trainable_weights)
        told.on_train_end(logs)
        return model.history

    def _distributed(self, batches: Any) -> Iterator[Any]:
        # Of data that may end the workers would ask each other before every step if there are more.
        data = divided(endless(batches), self.replicas // self.share.count, self._strategy)
        return itertools.islice(data, int(batches.cardinality()))

    def _evaluated(
        self, model: Any, batches: Any, steps: _Steps, told: keras.callbacks.CallbackList
    ) -> Figures:
        model.reset_metrics()
        told.on_test_begin()
        for data in self._distributed(batches):
            steps.test(data)
        figures = _figures(model)
        told.on_test_end(figures)
        return {f"val_{name}": value for name, value in figures.items()}


def _is_lost(error: Exception) -> bool:
    return isinstance(error, _LOST)


def divided(batches: Any, replicas: int, strategy: tf.distribute.Strategy) -> Any:
    """Divides each batch of a process among the replicas that it has."""
    images = batches.element_spec[0].shape[0]
    own = batches.rebatch(images // replicas, drop_remainder=True)
    return strategy.distribute_datasets_from_function(lambda _: own)


def _figures(model: Any) -> Figures:
    """The metrics over all replicas."""
    return {name: float(value) for name, value in model.get_metrics_result().items()}


class _Steps:
    """A model's steps on all replicas."""

    def __init__(self, strategy: tf.distribute.Strategy, model: Any) -> None:
        def train(data: Any) -> dict[str, tf.Tensor]:
            logs = strategy.run(model.train_step, args=(data,))
            # Each replica has seen as many images as any other.
            return {name: strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

        def test(data: Any) -> None:
            strategy.run(model.test_step, args=(data,))

        self._train = tf.function(train, reduce_retracing=True)
        self._test = tf.function(test, reduce_retracing=True)

    def train(self, data: Any) -> Figures:
        """Returns the figures of the epoch so far."""
        return {name: float(value) for name, value in self._train(data).items()}

    def test(self, data: Any) -> None:
        self._test(data)
