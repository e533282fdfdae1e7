"""Training on several devices, on the engines that Keras runs on.

A step on n replicas is the step on the whole batch: gradients are summed once, after which every
replica takes the same coupled weight decay; batch statistics are those of all replicas
(`keras_finet.synchronize`); the loss is the mean over the whole batch.
"""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

import keras
import numpy as np
from command_line import InputError

import keras_finet
from recipe.communication import reductions
from recipe.even_batches import evenly_batched
from recipe.lost_workers import lost_workers
from recipe.shares import WHOLE, Share
from recipe.strategies import JAX, MIRRORED, MULTIWORKER, NONE, check_strategy

# In the errors of gRPC and of the libraries of collective operations on CPUs and GPUs.
_SIGNS_OF_LOSS = ("UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "Gloo", "NCCL", "heartbeat")


class Distribution(Protocol):
    """Over which devices the work is spread.

    Attributes:
        replicas: How many there are.
        is_chief: Whether this process is the one that writes files.
        name: What it is called in reports.
        share: The part of each batch that this process makes, for its own devices.
    """

    replicas: int
    is_chief: bool
    name: str
    share: Share

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which the model is built, compiled and trained."""

    def prepared(self, model: Any) -> Any:
        """Returns the model to train, made in the scope, in place of a freshly built one."""

    def announcement(self, model: Any) -> str:
        """Returns what a user has to know of the distribution of a model; may be empty."""

    def evaluation_data(self, batches: Any, batch_size: int, images: int) -> Any:
        """Returns batches to evaluate on, which may be weighted, in place of those of a recipe.

        Args:
            batches: A `tf.data.Dataset` of this process's share of each batch.
            batch_size: Of the batches of all processes together; the last may be smaller.
            images: Number of images in all of them.
        """

    def gathered(self, *numbers: int) -> list[tuple[int, ...]]:
        """Returns such numbers of every process, of 31 bits each, and waits for all of them."""

    def losses(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which the loss of another process is a `WorkerLost`."""

    def wait(self) -> None:
        """Waits for all processes: one that has left would be a failure to the others."""

    def fit(self, model: Any, batches: Any, **options: Any) -> Any:
        """Trains as `model.fit` does, in the scope, with its options.

        Args:
            model: What `prepared` returned, compiled.
            batches: A `tf.data.Dataset` of this process's share of each batch.
            **options: Those of `keras.Model.fit`.
        """


class _KerasFit:
    """Trains by Keras' own `fit`."""

    is_chief = True
    share = WHOLE

    def prepared(self, model: Any) -> Any:
        return model

    def announcement(self, model: Any) -> str:
        return ""

    def evaluation_data(self, batches: Any, batch_size: int, images: int) -> Any:
        return evenly_batched(batches, batch_size, images, self.share)

    def gathered(self, *numbers: int) -> list[tuple[int, ...]]:
        return [numbers]

    def losses(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def wait(self) -> None:
        pass

    def fit(self, model: Any, batches: Any, **options: Any) -> Any:
        return model.fit(batches, **options)


class OneDevice(_KerasFit):
    """The one device that the backend takes by itself."""

    replicas = 1
    name = "one device"

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def evaluation_data(self, batches: Any, batch_size: int, images: int) -> Any:
        return batches


class Mirrored(_KerasFit):
    """All GPUs of this machine (without one, TensorFlow's virtual CPUs) by `tf.distribute`."""

    def __init__(self) -> None:
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        self._strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        self.replicas = self._strategy.num_replicas_in_sync
        self.name = f"tf.distribute.MirroredStrategy on {self.replicas} devices"

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        return self._strategy.scope()

    def prepared(self, model: Any) -> Any:
        return keras_finet.synchronize(model)

    def announcement(self, model: Any) -> str:
        return f"On {self.name}: {reductions(model)}"


class DataParallel(_KerasFit):
    """All devices that jax sees, those of other processes too, by `keras.distribution`.

    A sharded batch is one batch to jax: its statistics are those of all devices already.
    """

    def __init__(self, *, several_processes: bool) -> None:
        if several_processes:
            _join_processes()
        devices = keras.distribution.list_devices()
        self._distribution = keras.distribution.DataParallel(
            devices=devices, auto_shard_dataset=False
        )
        self.replicas = len(devices)
        self.name = f"keras.distribution.DataParallel on {self.replicas} devices"

    @property
    def is_chief(self) -> bool:  # type: ignore[override]
        return self.share.index == 0

    @property
    def share(self) -> Share:  # type: ignore[override]
        import jax

        return Share(jax.process_index(), jax.process_count())

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        return self._distribution.scope()

    def announcement(self, model: Any) -> str:
        return f"On {self.name}"

    def gathered(self, *numbers: int) -> list[tuple[int, ...]]:
        from jax.experimental import multihost_utils

        found = multihost_utils.process_allgather(np.array(numbers, np.int32))
        return [tuple(row) for row in np.reshape(found, (-1, len(numbers))).tolist()]

    def losses(self) -> contextlib.AbstractContextManager[Any]:
        return lost_workers(self._is_lost)

    def wait(self) -> None:
        from jax.experimental import multihost_utils

        with self.losses():
            multihost_utils.sync_global_devices("recipe")

    def _is_lost(self, error: Exception) -> bool:
        import jax

        # All errors of jax are of one type.
        said = str(error) if isinstance(error, jax.errors.JaxRuntimeError) else ""
        return self.share.count > 1 and any(sign in said for sign in _SIGNS_OF_LOSS)


def _join_processes() -> None:
    try:
        keras.distribution.initialize()
    except (ValueError, RuntimeError) as error:
        raise InputError(
            "--strategy multiworker: expected the environment of a TPU pod, or the variables "
            "KERAS_DISTRIBUTION_JOB_ADDRESSES, KERAS_DISTRIBUTION_NUM_PROCESSES and "
            f"KERAS_DISTRIBUTION_PROCESS_ID; jax says: {' '.join(str(error).split())}"
        ) from error


def distribution(strategy: str, batch_size: int) -> Distribution:
    """Makes the distribution of a strategy.

    Args:
        strategy: One of `recipe.strategies.STRATEGIES`.
        batch_size: Of a training step, over all replicas.

    Raises:
        InputError: for a strategy that cannot be had here, or a batch that cannot be divided.
    """
    check_strategy(strategy)
    if strategy == NONE:
        return OneDevice()
    if keras.backend.backend() == JAX:
        chosen: Distribution = DataParallel(several_processes=strategy == MULTIWORKER)
    elif strategy == MIRRORED:
        chosen = Mirrored()
    else:
        from recipe.workers import Workers

        chosen = Workers()
    check_shares(batch_size, chosen)
    return chosen


def check_shares(batch_size: int, chosen: Distribution) -> None:
    """Refuses a batch that the replicas cannot share equally."""
    if batch_size % chosen.replicas:
        raise InputError(
            f"--batch-size {batch_size}: expected a multiple of the {chosen.replicas} replicas of "
            f"{chosen.name}, each of which takes the same share of a batch."
        )
