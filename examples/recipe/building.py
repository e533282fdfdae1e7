"""The network and the optimizer of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from command_line import InputError

import keras_finet
from recipe.coupled_adam import CoupledAdam
from recipe.coupled_decay import CoupledDecayOptimizer
from recipe.coupled_sgd import CoupledSGD
from recipe.schedules import schedule
from recipe.settings import MODELS, Recipe
from recipe.teacher import Divergence, TaughtModel

CHANNELS = 3
TOP = 5
# Shifted ReLU: the normalisation of the images (arXiv 1907.06916); no other network has it.
WITHOUT_DECAY = ("image_bn",)


def build_model(recipe: Recipe, classes: int, activation: str | None) -> Any:
    """Builds a recipe's network with fresh weights.

    Args:
        recipe: Names the network and its arguments.
        classes: Number of classes.
        activation: Of the last layer; None for logits, which is what is trained.
    """
    builder, _ = MODELS[recipe.model]
    try:
        return getattr(keras_finet, builder)(
            weights=None,
            classes=classes,
            input_shape=(recipe.image_size, recipe.image_size, CHANNELS),
            classifier_activation=activation,
            **network_arguments(recipe),
        )
    except ValueError as error:  # such as groups that do not divide the channels
        raise InputError(f"{recipe.model}: {error}") from error


def network_arguments(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says to its network's builder, by the builder's own names."""
    _, takes = MODELS[recipe.model]
    given: dict[str, Any] = {
        "groups": recipe.groups,
        "channels_per_group": recipe.channels_per_group,
        "affine": recipe.affine,
        "normalization": recipe.normalization,
        "squeeze_excite": recipe.squeeze_excite,
        "binary_weights": recipe.binary_weights,
        "depth": recipe.depth,
        "width": recipe.width,
        "widths": recipe.widths,
        "stem": recipe.stem,
        "dropout": recipe.dropout,
    }
    chosen = {name: given[name] for name in takes if given[name] is not None}
    if "dropout" in chosen:
        chosen["dropout_rate"] = chosen.pop("dropout")
    return chosen


def with_float32_outputs(model: Any) -> Any:
    """The model with outputs in float32, which Keras' metrics want."""
    if model.outputs[0].dtype == "float32":
        return model
    cast = keras.layers.Activation("linear", dtype="float32", name="float32_outputs")
    return keras.Model(model.inputs, cast(model.outputs[0]), name=model.name)


def load_initial_weights(model: Any, file: Path) -> None:
    """Starts from the weights of a file; refuses those of another network or other classes."""
    try:
        keras_finet.load_weights(model, file)
    except (ValueError, OSError) as error:
        raise InputError(f"--weights {file}: {' '.join(str(error).split())}") from error


def compile_model(
    model: Any, recipe: Recipe, steps_per_epoch: int, *, eagerly: bool = False
) -> None:
    """Compiles a model of logits for training with one-hot labels.

    Args:
        model: The model, which may have a teacher.
        recipe: How to train it.
        steps_per_epoch: For the schedule.
        eagerly: Skips the compilation of the step, which costs more than a few steps do.
    """
    model.compile(
        optimizer=_optimizer(model, recipe, steps_per_epoch),
        loss=Divergence() if isinstance(model, TaughtModel) else _loss_of_labels(recipe),
        # Weighted, because some strategies fill up the last batch with images of no weight.
        weighted_metrics=[
            keras.metrics.CategoricalAccuracy(name="top1"),
            keras.metrics.TopKCategoricalAccuracy(min(TOP, model.output_shape[-1]), name="top5"),
        ],
        run_eagerly=eagerly,
        jit_compile="auto" if _compiles_well() and not eagerly else False,
    )
    model.optimizer.build(model.trainable_variables)


def _optimizer(model: Any, recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    options: dict[str, Any] = {
        "weight_decay": recipe.weight_decay,
        "without_decay": WITHOUT_DECAY,
    }
    if recipe.ema is not None:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    rates = schedule(recipe, steps_per_epoch)
    inner: CoupledDecayOptimizer
    if recipe.optimizer == "adam":
        inner = CoupledAdam(rates, beta_1=recipe.momentum, **options)
    else:
        inner = CoupledSGD(rates, momentum=recipe.momentum, **options)
    if recipe.clip_factor is None:
        return inner
    clipping = keras_finet.AdaptiveGradientClipping
    return clipping.for_model(model, inner, clip_factor=recipe.clip_factor)


def _loss_of_labels(recipe: Recipe) -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )


def optimizers(model: Any) -> list[keras.optimizers.Optimizer]:
    """The model's optimizer, and those inside it: one may scale the loss, one may clip."""
    found = [model.optimizer]
    while (inner := getattr(found[-1], "inner_optimizer", None)) is not None:
        found.append(inner)
    return found


def inner_optimizer(model: Any) -> CoupledDecayOptimizer:
    """The optimizer that makes the steps, whatever it stands inside."""
    innermost: CoupledDecayOptimizer = optimizers(model)[-1]
    return innermost


def _compiles_well() -> bool:
    """XLA makes TensorFlow's training steps on a CPU several times slower."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
