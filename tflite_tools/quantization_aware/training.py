"""The worker's program: trains a network that rounds as its int8 file will."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tflite_tools.graph_spec import GraphSpec, load, save
from tflite_tools.samples import AnyArray, FloatArray
from tflite_tools.worker import progress

Weights = Mapping[str, tuple[AnyArray, ...]]


def train(
    spec_file: Path,
    trained_file: Path,
    samples: FloatArray,
    validation: FloatArray,
    validation_labels: AnyArray | None,
    calibration: FloatArray,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Trains the network that a file describes and writes it, with the best weights, to another.

    Every epoch is handed to `progress` as JSON, the state before training as number 0.

    Args:
        spec_file: The network, from `graph_spec.save`.
        trained_file: Where the trained one goes.
        samples: To train on.
        validation: Held back, to choose the best epoch by.
        validation_labels: Their classes, if known.
        calibration: What the ranges of activations are taken from.
        settings: The fields of `QatSettings`.

    Returns:
        "history", all epochs, and "best", the number of the one with the smallest loss on the
        samples held back.
    """
    from tflite_tools.quantization_aware.trainer import Batches, Trainer

    spec = load(spec_file)
    trainer = Trainer(spec, calibration, settings["seed"])
    held_back = (validation, trainer.float_answers(validation), validation_labels)
    batches = Batches(samples, trainer.float_answers(samples), settings)
    trainer.schedule(settings["learning_rate"], settings["epochs"] * len(batches))
    best, lowest = 0, math.inf
    weights: Weights = {}
    history: list[dict[str, Any]] = []
    for epoch in range(settings["epochs"] + 1):
        train_loss = trainer.run_epoch(batches, epoch) if epoch else None
        trainer.calibrate()
        figures = trainer.evaluate(*held_back)
        history.append({"epoch": epoch, "train_loss": train_loss, **figures})
        progress(json.dumps(history[-1]))
        if history[-1]["loss"] < lowest:
            best, lowest, weights = epoch, history[-1]["loss"], trainer.weights()
    save(_with_weights(spec, weights), trained_file)
    return {"history": history, "best": best}


def _with_weights(spec: GraphSpec, weights: Weights) -> GraphSpec:
    nodes = tuple(
        replace(node, weights=weights[node.name]) if node.name in weights else node
        for node in spec.nodes
    )
    return replace(spec, nodes=nodes)
