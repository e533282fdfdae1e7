"""Trains a small network on one or several replicas and saves all weights and figures.

A program of its own, because virtual devices must be made, and a cluster joined, before TensorFlow
or jax do anything else.
Usage: python replicated_recipe.py STRATEGY DEVICES FOLDER CASE ...
A case is what is trained, and the name of the file that FOLDER gets:
engine: a recipe by `recipe.engine.train`.
resumed: the same, stopped in the middle of an epoch and taken up again.
sum: the loss is a sum over the batch, not a mean.
apart: statistics are each replica's own.
awaited: nothing is trained; a file of the process that writes is waited for.
lost: the same, while every process but the first is killed in the second step.
missed: the same, but they are killed before the first one trains.
seeds: the same with another seed in each process.
images: the same with other numbers of images in each process.
divided: nothing is trained; what each replica gets of a process's batches.
sent: nothing is trained; what a step reduces over the workers is counted in its graph.
"""

import dataclasses
import os
import signal
import sys
import time

STRATEGY, DEVICES, FOLDER, *CASES = sys.argv[1:]
JAX = os.environ.get("KERAS_BACKEND") == "jax"
os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), f"--xla_force_host_platform_device_count={DEVICES}"]
)
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from pathlib import Path  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from command_line import InputError  # noqa: E402

if not JAX and STRATEGY == "mirrored":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * int(DEVICES),
    )

from recipe.communication import reductions  # noqa: E402
from recipe.coupled_sgd import CoupledSGD  # noqa: E402
from recipe.distribution import distribution  # noqa: E402
from recipe.engine import train  # noqa: E402
from recipe.lost_workers import WorkerLost  # noqa: E402
from recipe.papers import cifar  # noqa: E402
from recipe.watching import Watch  # noqa: E402

import keras_finet  # noqa: E402

BATCH, SIDE, CLASSES = 8, 8, 7
RECIPE = cifar(
    dataset="noise",
    model="finet_small",
    image_size=SIDE,
    batch_size=BATCH,
    epochs=2,
    learning_rate=0.05,
    weight_decay=0.1,
)


class Noise:
    """A `recipe.sources.Source` of PNGs; the last batches are not whole ones."""

    name, version = "noise", None
    class_names = tuple("abcdefg")
    train_size, evaluation_size = 27, 21
    notes = ()

    def training_records(self, order_seed, skip=0):
        order = np.random.default_rng(order_seed).permutation(self.train_size)[skip:]
        return self._records(0, self.train_size, order)

    def evaluation_records(self):
        return self._records(1, self.evaluation_size, np.arange(self.evaluation_size))

    def _records(self, seed, count, order):
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 256, (count, SIDE, SIDE, 3)).astype("uint8")
        encoded = np.asarray([tf.io.encode_png(image).numpy() for image in images])
        labels = rng.integers(0, CLASSES, count)
        return tf.data.Dataset.from_tensor_slices((encoded[order], labels[order]))


def network(recipe, classes, activation):
    """Every kind of normalisation, without dropout, which differs on each replica."""
    keras.utils.set_random_seed(0)
    plain = {"padding": "same", "use_bias": False}
    fine = {"momentum": 0.5, "activation": "relu", "padding": "same"}
    inputs = x = keras.Input((SIDE, SIDE, 3))
    for layer in (
        keras.layers.Conv2D(8, 3, **plain),
        keras.layers.BatchNormalization(momentum=0.5),
        keras.layers.ReLU(),
        keras_finet.FineGrainedBatchNorm(12, 1, groups=4, **fine),
        keras.layers.DepthwiseConv2D(3, **plain),
        keras.layers.BatchNormalization(momentum=0.5),
        keras_finet.FineGrainedBatchNorm(8, 3, groups=2, **fine),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(classes, activation=activation),
    ):
        x = layer(x)
    return keras.Model(inputs, x)


def engine(spread, case):
    folder = Path(FOLDER) / f"run_{case}"
    folder.mkdir(exist_ok=True)
    recipe, source = RECIPE, Noise()
    if case == "seeds":
        recipe = dataclasses.replace(RECIPE, seed=spread.share.index)
    if case == "images":
        source.evaluation_size -= spread.share.index
    options = {"build": network, "distribution": spread, "checkpoint_steps": 1, "verbose": 0}
    if case == "resumed":
        call_after(5, interrupt)
        try:
            train(recipe, source, folder, **options)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("the run was not interrupted")
    result = train(recipe, source, folder, **options)
    rows = {key: [row[key] for row in result.history] for key in result.history[0]}
    del rows["images_per_second"]
    return result.model, rows


def interrupt():
    raise KeyboardInterrupt


def call_after(steps, function):
    """Calls a function after so many steps of all."""
    left = iter(range(steps))
    own = Watch.on_train_batch_end

    def watching(watch, batch, logs=None):
        own(watch, batch, logs)
        if next(left) == steps - 1:
            Watch.on_train_batch_end = own
            function()

    Watch.on_train_batch_end = watching


def lost(spread, case):
    """Prints what a process says, and leaves like the programs."""
    if not spread.is_chief and case == "missed":
        time.sleep(2)
        os.kill(os.getpid(), signal.SIGKILL)
    if not spread.is_chief and case == "lost":
        call_after(2, lambda: os.kill(os.getpid(), signal.SIGKILL))
    try:
        engine(spread, case)
    except (WorkerLost, InputError) as error:
        print(error, flush=True)
        os._exit(0)
    raise AssertionError("nothing was noticed")


def by_hand(spread, case):
    """One epoch with what no recipe has."""
    model, data = compiled(spread, case)
    with spread.scope():
        return model, spread.fit(model, data, shuffle=False, verbose=0).history


def awaited(spread, case):
    file = Path(FOLDER).parent / "awaited"
    if spread.is_chief:
        time.sleep(2)
        file.touch()
    spread.wait()
    assert file.exists()
    return network(RECIPE, CLASSES, None), {}


def sent(spread, case):
    """Floats and number of the collective operations of a step, and what is said of them."""
    model, data = compiled(spread, case)
    strategy = spread._strategy
    batch = next(iter(strategy.experimental_distribute_dataset(data)))
    step = tf.function(lambda data: strategy.run(model.train_step, args=(data,)))
    sizes = [
        operation.inputs[0].shape.num_elements()
        for operation in step.get_concrete_function(batch).graph.get_operations()
        if operation.type == "CollectiveReduceV2"
    ]
    said = reductions(model)
    counts = {"sent": [max(sizes), sum(sizes) - max(sizes), len(sizes) - 1]}
    return model, counts | {"said": [said.gradients, said.statistics, said.calls]}


def divided(spread, case):
    from recipe.workers import divided

    batches = tf.data.Dataset.range(4 * BATCH).batch(BATCH, drop_remainder=True)
    strategy = spread._strategy
    rows = [
        [part.numpy() for part in strategy.experimental_local_results(pixels)]
        for pixels, _ in divided(batches.map(lambda n: (n, n)), spread.replicas, strategy)
    ]
    return network(RECIPE, CLASSES, None), {"divided": rows}


def compiled(spread, case):
    reduction, rate = ("sum", 0.05 / BATCH) if case == "sum" else ("sum_over_batch_size", 0.05)
    with spread.scope():
        model = network(RECIPE, CLASSES, None)
        if case != "apart":
            model = spread.prepared(model)
        model.compile(
            CoupledSGD(rate, momentum=0.9, weight_decay=0.1),
            keras.losses.CategoricalCrossentropy(from_logits=True, reduction=reduction),
            jit_compile=False,
        )
        rng = np.random.default_rng(0)
        images = rng.normal(1.0, 1.0, (24, SIDE, SIDE, 3)).astype("float32")
        labels = np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, len(images))]
        return model, tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)


WAYS = {
    "engine": engine,
    "resumed": engine,
    "sum": by_hand,
    "apart": by_hand,
    "awaited": awaited,
    **dict.fromkeys(("lost", "missed", "seeds", "images"), lost),
    "divided": divided,
    "sent": sent,
}


def main():
    spread = distribution(STRATEGY, BATCH)
    for case in CASES:
        model, figures = WAYS[case](spread, case)
        weights = enumerate(map(keras.ops.convert_to_numpy, model.weights))
        arrays = {f"weight {index}": array for index, array in weights}
        arrays |= {f"figure {name}": np.asarray(values) for name, values in figures.items()}
        np.savez(Path(FOLDER) / f"{case}.npz", replicas=spread.replicas, **arrays)
    spread.wait()


if __name__ == "__main__":
    main()
