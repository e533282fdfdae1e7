"""Keras model → int8 .tflite file whose weights were trained to be rounded."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_tools.artefact import Origin, checked_file
from tflite_tools.dead_channels import dead_channel_record
from tflite_tools.deploy import deployed_graph, reference_outputs, sample_shape
from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, are_images
from tflite_tools.file_metadata import file_metadata
from tflite_tools.graph_spec import GraphSpec, load, save
from tflite_tools.loading import check_keras_file, check_name, resolved_model
from tflite_tools.model_card import trained_input_range
from tflite_tools.output_folder import output_folder
from tflite_tools.provenance import calibration_of, creation_time, recipe_of, source_of
from tflite_tools.quantization_aware.candidates import better, float_figures, int8_candidate
from tflite_tools.quantization_aware.data import TrainingData, check_sources, load_training_data
from tflite_tools.quantization_aware.records import QatEpoch, QatReport
from tflite_tools.quantization_aware.settings import QatSettings, check_installed
from tflite_tools.quantization_aware.training import train
from tflite_tools.quantize import INT8_IO, Quantization
from tflite_tools.quiet import is_verbose, verbosity
from tflite_tools.worker import run_in_worker

if TYPE_CHECKING:
    import keras

_SUFFIX = "_int8_qat.tflite"
# Of keras_finet.preprocess_input, and so of the models that it was made for.
_PREPROCESSING = "torch"
_NOT_IN_RECIPES = ("model", "output_dir", "name", "verbose", "on_epoch")


def qat(
    model: "keras.Model | str | os.PathLike[str]",
    output_dir: str | os.PathLike[str],
    images: Any,
    labels: Any = None,
    *,
    epochs: int = 20,
    learning_rate: float = 1e-4,
    batch_size: int = 32,
    seed: int = 0,
    validation: Any = None,
    calibration: Any = None,
    calibration_samples: int | None = 256,
    model_card: str | os.PathLike[str] | None = None,
    split: str | None = None,
    validation_split: str | None = None,
    limit: int | None = None,
    preprocessing: str | None = None,
    skip_unreadable: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
    drop_dead_channels: bool = True,
    int8_io: str = "int8",
    name: str | None = None,
    verbose: bool = False,
    on_epoch: Callable[[QatEpoch], None] = lambda epoch: None,
) -> QatReport:
    """Trains a fused Keras model for int8 and writes it as a .tflite file.

    The fused model is built again in tf_keras, in a process of its own, with the rounding of
    int8 in it (tfmot): kernels per output channel, activations in the ranges that the
    calibration samples have. It learns to answer in int8 what the Keras model answers in float,
    which needs no labels. After every epoch it is tried on samples that are held back, and the
    best weights are kept. They are converted as by `convert`, and the file is compared with that
    of post-training quantisation: `<name>_int8_qat.tflite` holds the one whose outputs are nearer
    to the Keras model's, unless it finds fewer labels by more than chance; the report says which.

    Args:
        model: A functional or Sequential model with one input and one output, or the path of a
            `.keras` file that holds one. It is not changed.
        output_dir: The folder to write to; its parent must exist.
        images: What to train on, as the model sees it in training: an array, a pair of images and
            labels, an iterable, or the path of an `.npy` or `.npz` file or of a folder of images,
            or the name of a TFDS data set. Some hundred samples do; more do better.
        labels: The class indices of `images`, for the accuracies in the report.
        epochs: How often to go over the images.
        learning_rate: Adam's at the beginning; it falls to zero as a half cosine.
        batch_size: Images in a training step.
        seed: For the order of the images.
        validation: What to hold back, in the same forms; by default every tenth of `images`.
        calibration: What to take the ranges of activations from, in the same forms; by default
            `images`.
        calibration_samples: How many of them to use at most, evenly spread; None for all.
        model_card: A JSON file whose `"input_range": [low, high]` the calibration samples are
            compared with; by default the one beside the `.keras` file, as for `convert`.
        split: The split of a TFDS data set to train on.
        validation_split: The split to hold back.
        limit: Train on so many images at most.
        preprocessing: What the images that the model was trained on had undergone: "torch" (as
            `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit" (0 to 1) or "none" (0 to 255).
            Images are read that way, "torch" by default, and the file's metadata say so, if it
            is given or images were read.
        skip_unreadable: Whether to leave out images of a folder that cannot be read.
        data_dir: Where TFDS data sets are.
        drop_dead_channels: Whether channels whose moving variance has fallen to nothing are left
            out, as by `convert`.
        int8_io: The type of the file's input and output, "int8", "uint8" or "float32".
        name: What the file name begins with. By default the `.keras` file's or the model's name.
        verbose: Whether what TensorFlow and its converter print reaches the terminal.
        on_epoch: Is called after every epoch, and before the first.

    Returns:
        A `QatReport`; `print` shows it as tables.

    Raises:
        ToolError: Something given cannot be used, or a package of the extra `qat` is not
            installed; the message says what to do. No half-written file is left.
    """
    recipe = _recipe(locals())
    created = creation_time()
    check_installed()
    settings = QatSettings(epochs, learning_rate, batch_size, seed)
    settings.check()
    if int8_io not in INT8_IO:
        raise ToolError(f"int8_io: expected one of {', '.join(INT8_IO)}, got {int8_io}.")
    if name is not None:
        check_name(name)
    if isinstance(model, str | os.PathLike):
        check_keras_file(Path(model))
    images_as = _PREPROCESSING if preprocessing is None else preprocessing
    check_sources(
        {"training data": images, "validation data": validation, "calibration data": calibration},
        images_as,
    )
    trained_range = trained_input_range(model, model_card)
    says_preprocessing = preprocessing or any(map(are_images, (images, validation, calibration)))
    with verbosity(verbose), output_folder(output_dir) as folder:
        keras_model, stem = resolved_model(model, name)
        shape = sample_shape(keras_model)
        data = load_training_data(
            images,
            labels,
            shape,
            _classes(keras_model),
            validation=validation,
            calibration=calibration,
            split=split,
            validation_split=validation_split,
            limit=limit,
            calibration_samples=calibration_samples,
            trained_range=trained_range,
            preprocessing=images_as,
            skip_unreadable=skip_unreadable,
            data_dir=data_dir,
        )
        reference = reference_outputs(keras_model, data.held_back.samples)
        dead = dead_channel_record(
            keras_model,
            drop=drop_dead_channels,
            samples=data.held_back.samples,
            reference=reference,
        )
        graph = deployed_graph(keras_model, drop_dead_channels=drop_dead_channels)
        trained, history, best = _trained(graph, data, settings, on_epoch)
        calibrated = data.calibration
        quantization = Quantization(calibrated.samples, int8_io=int8_io)
        candidates = [
            int8_candidate(network, spec, quantization, data.held_back, reference)
            for network, spec in (("ptq", graph), ("qat", trained))
        ]
        post_training, after_training = candidates
        kept = better(after_training, post_training, len(reference))
        known = Feeding(images_as) if says_preprocessing else None
        origin = Origin(
            created=created,
            source=source_of(model, keras_model.name, deployed_graph(keras_model)),
            recipe={**recipe, "network": kept.figures.network, "best_epoch": best},
            calibration=calibration_of(calibrated.record.source, calibrated.samples),
            verified_on=f"{len(reference)} samples held back",
        )
        record = checked_file(
            folder / f"{stem}{_SUFFIX}",
            "int8",
            kept.content,
            data.held_back.samples,
            reference,
            metadata=file_metadata(
                stem, shape, feeding=known, labels=data.held_back.class_names, about={}
            ),
            origin=origin,
        )
    return QatReport(
        file=record.file,
        chosen=kept.figures.network,
        best_epoch=best,
        history=history,
        figures=(
            float_figures(reference, data.held_back.labels),
            post_training.figures,
            after_training.figures,
        ),
        size_bytes=record.size_bytes,
        ops=record.ops,
        trained_on=data.trained_on,
        held_back=data.held_back_from,
        calibration=calibrated.record,
        settings=settings,
        dead_channels=dead,
    )


def _recipe(options: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in options.items() if key not in _NOT_IN_RECIPES}
    return recipe_of(kept)


def _trained(
    graph: GraphSpec,
    data: TrainingData,
    settings: QatSettings,
    on_epoch: Callable[[QatEpoch], None],
) -> tuple[GraphSpec, tuple[QatEpoch, ...], int]:
    """The network with trained weights, all epochs, and the one that the weights are of."""
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as name:
        spec_file, trained_file = Path(name) / "graph.npz", Path(name) / "trained.npz"
        save(graph, spec_file)
        arguments = {
            "spec_file": spec_file,
            "trained_file": trained_file,
            "samples": data.samples,
            "validation": data.held_back.samples,
            "validation_labels": data.held_back.labels,
            "calibration": data.calibration.samples,
            "settings": asdict(settings),
        }
        result = run_in_worker(
            train,
            arguments,
            on_progress=lambda line: on_epoch(QatEpoch(**json.loads(line))),
            verbose=is_verbose(),
        )
        history = tuple(QatEpoch(**epoch) for epoch in result["history"])
        return load(trained_file), history, result["best"]


def _classes(model: "keras.Model") -> int | None:
    """How many classes a classifier tells apart."""
    shape = model.outputs[0].shape
    return shape[1] if len(shape) == 2 and shape[1] and shape[1] > 1 else None
