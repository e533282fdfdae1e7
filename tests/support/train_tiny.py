"""A real run of the recipes' engine with a network that trains in a second.

Usage: python train_tiny.py DATASET OUT [NAME=VALUE …]

Settings of the recipe are given as NAME=VALUE, in JSON, and besides
  data_dir=DIR           where TFDS data sets are
  teacher=FILE           whose probabilities take the labels' place
  checkpoint_steps=N     steps between checkpoints
  wait_at=N              waits for ever, to be killed, after the N-th step of this process
  wait_in_validation=1   waits for ever in the first validation of this process
  kill_in_write=N        SIGKILL while the N-th checkpoint of this process is written
  full_disk_at=N         no file can grow beyond some bytes from the N-th step of this process on
It prints each step that is done, and exits as the recipes' programs do.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from command_line import InputError
from recipe.building import network_arguments
from recipe.settings import Recipe
from recipe.sources import open_source
from recipe.two_steps import train_all
from recipe.watching import TrainingStopped

from keras_finet import FineGrainedBatchNorm, ReActNetA
from tflite_tools.errors import ToolError

FULL_DISK_BYTES = 600
TINY = {
    "augmentation": "pad_and_crop",
    "image_size": 8,
    "batch_size": 4,
    "epochs": 3,
    "learning_rate": 0.05,
    "weight_decay": 5e-4,
}


def tiny_network(recipe, classes, activation):
    """Has what a state consists of: moving statistics, random numbers, all kinds of weights."""
    inputs = keras.Input((recipe.image_size, recipe.image_size, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, use_bias=False, name="conv")(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = FineGrainedBatchNorm(8, 1, groups=2, momentum=0.9, activation="relu", name="fine")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(recipe.dropout, name="dropout")(x)
    x = keras.layers.Dense(classes, name="logits")(x)
    outputs = keras.layers.Activation(activation, name="predictions")(x)
    return keras.Model(inputs, outputs, name="tiny")


# What the recipe "reactnet" has of its own, of a network that `tiny_reactnet` makes.
TINY_REACTNET = {
    "model": "reactnet_a",
    "image_size": 32,
    "normalization": "bn_free",
    "stem": "cifar",
    "optimizer": "adam",
    "learning_rate": 5e-3,
    "first_step_decay": 1e-2,
    "weight_decay": 0.0,
    "clip_factor": 0.02,
}


def tiny_reactnet(recipe, classes, activation):
    """A ReActNet-A of one block."""
    return ReActNetA(
        classes=classes,
        input_shape=(recipe.image_size, recipe.image_size, 3),
        classifier_activation=activation,
        widths=(4, 8),
        **network_arguments(recipe),
    )


class Steps(keras.callbacks.Callback):
    """Prints the steps, and does at one of them what was asked for."""

    def __init__(self, wait_at=None, wait_in_validation=None, full_disk_at=None):
        super().__init__()
        self.wait_at = wait_at
        self.wait_in_validation = wait_in_validation
        self.full_disk_at = full_disk_at
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        print("step", self.done, flush=True)
        if self.done == self.full_disk_at:
            resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_DISK_BYTES, FULL_DISK_BYTES))
        if self.done == self.wait_at:
            wait()

    def on_test_batch_end(self, batch, logs=None):
        if self.wait_in_validation:
            wait()


def wait():
    print("waiting", flush=True)
    sys.stdin.read()


def kill_in_write(number):
    """Kills this process when the N-th file has been written, but has not got its name yet."""
    fsync, calls = os.fsync, []

    def killing(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(descriptor)

    os.fsync = killing


def main(dataset, out, *settings):
    given = {name: json.loads(value) for name, value in (each.split("=", 1) for each in settings)}
    kill_in_write(given.pop("kill_in_write", None))
    data_dir = given.pop("data_dir", None)
    run = {"checkpoint_steps": given.pop("checkpoint_steps", 1000)}
    names = ("wait_at", "wait_in_validation", "full_disk_at")
    callbacks = [Steps(*(given.pop(name, None) for name in names))]
    teacher = given.pop("teacher", None)
    run["teacher"] = teacher and Path(teacher)
    recipe = Recipe(dataset=dataset, **{**TINY, **given})
    build = tiny_network if recipe.model == "finet_large" else tiny_reactnet
    try:
        source = open_source(recipe, data_dir=data_dir and Path(data_dir))
        train_all(recipe, source, Path(out), build=build, callbacks=callbacks, verbose=0, **run)
    except (InputError, ToolError) as error:
        print(error, file=sys.stderr)
        return 2
    except TrainingStopped as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
