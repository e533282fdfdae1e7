"""Keras model → checked .tflite files."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflite_tools.calibration import Calibration, load_calibration
from tflite_tools.converter import tflite_contents
from tflite_tools.datasets import LabelledSamples, check_source, load_labelled
from tflite_tools.dead_channels import QUANTISED, contents_in_order, dead_channel_record
from tflite_tools.deploy import deployed_graph, reference_outputs, sample_shape
from tflite_tools.errors import ToolError
from tflite_tools.evaluate import evaluate
from tflite_tools.flatbuffer import custom_ops, op_histogram
from tflite_tools.loading import check_keras_file, check_name, resolved_model
from tflite_tools.model_card import trained_input_range
from tflite_tools.output_folder import output_folder, whole_file
from tflite_tools.percentile import check_percentile
from tflite_tools.quantize import (
    INT8_IO,
    PRECISIONS,
    Quantization,
    check_integer_only,
    check_requantization,
)
from tflite_tools.quiet import verbosity
from tflite_tools.records import ConversionRecord
from tflite_tools.report import ConversionReport
from tflite_tools.samples import FloatArray
from tflite_tools.targets import PER_CHANNEL_DENSE, check_target, check_target_name

if TYPE_CHECKING:
    import keras

_RANDOM_SAMPLES = 32
# Rounding stays far below these shares of the largest output; another function does not. What
# int8 costs depends on the model and its data: the report shows it.
_LARGEST_ERRORS = {"float32": 1e-3, "float16": 5e-2}


def convert(
    model: "keras.Model | str | os.PathLike[str]",
    output_dir: str | os.PathLike[str],
    *,
    precisions: Sequence[str] = ("float32",),
    calibration: Any = None,
    calibration_split: str = "train",
    calibration_samples: int | None = 256,
    calibration_percentile: float | None = None,
    preprocessing: str = "torch",
    skip_unreadable: bool = False,
    model_card: str | os.PathLike[str] | None = None,
    inputs: Any = None,
    int8_io: str = "int8",
    drop_dead_channels: bool = True,
    target: str = "cpu",
    batch_size: int = 1,
    name: str | None = None,
    verbose: bool = False,
) -> ConversionReport:
    """Fuses a Keras model and writes it as .tflite files, one for each precision.

    The model is fused, rebuilt in float32 with a fixed batch size, converted with built-in
    operators only, run in the LiteRT interpreter and compared with the Keras model. Only a file
    that passed gets its name, `<name>_<precision>.tflite`. A float file whose outputs differ by
    more than rounding is refused; what int8 costs is in the report.

    Args:
        model: A functional or Sequential model with one input and one output, or the path of a
            `.keras` file that holds one. It is not changed.
        output_dir: The folder to write to; its parent must exist.
        precisions: Any of "float32", "float16", "dynamic_int8" (large weights as int8, computed
            on floats; needs no calibration) and "int8" (weights and activations, by post-training
            quantisation).
        calibration: For int8: some hundred samples as the model sees them in training. An array,
            an iterable of samples or batches, the path of an `.npy` file, an `.npz` file or a
            folder of images, or the name of a prepared TFDS data set. Labels are ignored.
        calibration_split: Which split of a TFDS data set.
        calibration_samples: How many of them to use at most, evenly spread; None for all.
        calibration_percentile: Cuts the range of every activation to this share of its values
            on the calibration samples, in percent, such as 99.99, so that outliers do not set it.
            Less cuts into the signal as well. By default the range is the true minimum and maximum.
        preprocessing: For images: "torch" (as `keras_finet.preprocess_input`), "tf" (-1 to 1),
            "unit" (0 to 1) or "none" (0 to 255).
        skip_unreadable: Leaves out images of a folder that cannot be read, and counts them in
            the report. By default they are an error.
        model_card: A JSON file whose `"input_range": [low, high]` the calibration samples are
            compared with. By default `model.card.json` beside `model.keras`, if there is one.
        inputs: Samples to compare the files with the Keras model on, from the same kinds of
            source. By default the calibration samples, or random ones.
        int8_io: The type of the int8 file's input and output, "int8" or "float32".
        drop_dead_channels: Leaves channels whose moving variance has fallen to nothing out of int8
            and dynamic_int8 files, but for their beta. They fold to huge weights, which ruin int8;
            the report counts them and says what dropping them costs in float. Float files keep
            them.
        target: What the files are for: "cpu" takes every built-in operator; "gpu" and "nnapi"
            refuse a file with an operator that these Android delegates leave to the processor.
            For "nnapi", Dense weights get one int8 scale, not one for each channel.
        batch_size: The batch size that the files are fixed to.
        name: What the file names begin with. By default the `.keras` file's or the model's name.
        verbose: Lets what TensorFlow, its converter and LiteRT print through to the terminal.

    Returns:
        A `ConversionReport`; `print` shows it as a table.

    Raises:
        ToolError: Something given cannot be used; the message says what and what to do. No
            half-written file is left; files of earlier precisions stay.
    """
    wanted = _checked_precisions(precisions)
    _check_options(wanted, calibration, int8_io, batch_size)
    check_percentile(calibration_percentile)
    check_target_name(target)
    if name is not None:
        check_name(name)
    for what, source in (("calibration data", calibration), ("inputs", inputs)):
        check_source(source, what=what, limit=calibration_samples, preprocessing=preprocessing)
    if isinstance(model, str | os.PathLike):
        check_keras_file(Path(model))
    trained_range = trained_input_range(model, model_card)
    with verbosity(verbose), output_folder(output_dir) as folder:
        keras_model, stem = resolved_model(model, name)
        shape = sample_shape(keras_model)
        reading: dict[str, Any] = {
            "split": calibration_split,
            "preprocessing": preprocessing,
            "skip_unreadable": skip_unreadable,
        }
        calibrated = (
            None
            if calibration is None
            else load_calibration(
                calibration,
                shape,
                limit=calibration_samples,
                percentile=calibration_percentile,
                trained_range=trained_range,
                **reading,
            )
        )
        given = (
            None
            if inputs is None
            else load_labelled(inputs, shape, what="inputs", labels="ignored", **reading)
        )
        samples, samples_from = _comparison_samples(given, calibrated, shape)
        graph = deployed_graph(keras_model)
        reference = reference_outputs(keras_model, samples)
        dead = None
        if any(precision in QUANTISED for precision in wanted):
            dead = dead_channel_record(
                keras_model, drop=drop_dead_channels, samples=samples, reference=reference
            )
        sound = graph
        if dead is not None and dead.dropped:
            sound = deployed_graph(keras_model, drop_dead_channels=True)
        graphs = {name: sound if name in QUANTISED else graph for name in wanted}
        quantization = Quantization(
            None if calibrated is None else calibrated.samples,
            calibration_percentile,
            int8_io,
            PER_CHANNEL_DENSE[target],
        )
        contents = contents_in_order(
            graphs, partial(tflite_contents, batch_size=batch_size, quantization=quantization)
        )
        records = []
        for precision, content in zip(wanted, contents, strict=True):
            final = folder / f"{stem}_{precision}.tflite"
            check_target(content, target, final.name, [node.name for node in graph.nodes])
            records.append(_checked_file(final, precision, content, samples, reference))
    quantised_on = calibrated.record if calibrated is not None and "int8" in wanted else None
    return ConversionReport(tuple(records), samples_from, quantised_on, dead)


def _checked_precisions(precisions: Sequence[str]) -> list[str]:
    # What is no sequence is reported as if it were the one precision.
    several = isinstance(precisions, Iterable) and not isinstance(precisions, str)
    given: list[Any] = list(precisions) if several else [precisions]
    unknown = [str(precision) for precision in given if precision not in PRECISIONS]
    if unknown or not given:
        raise ToolError(
            f"precision: expected one or more of {', '.join(PRECISIONS)}, got "
            f"{', '.join(unknown) or 'none'}."
        )
    return list(dict.fromkeys(given))


def _check_options(
    precisions: Sequence[str], calibration: Any, int8_io: str, batch_size: int
) -> None:
    if "int8" in precisions and calibration is None:
        raise ToolError(
            "int8 needs calibration data to find the ranges of the activations: some hundred "
            "samples as in training, or a folder of images. Got none."
        )
    if int8_io not in INT8_IO:
        raise ToolError(f"int8_io: expected one of {', '.join(INT8_IO)}, got {int8_io}.")
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ToolError(f"batch_size: expected a whole number from 1, got {batch_size}.")


def _comparison_samples(
    given: LabelledSamples | None, calibrated: Calibration | None, shape: tuple[int, ...]
) -> tuple[FloatArray, str]:
    """The samples to compare on, and what the report calls them."""
    if given is not None:
        left_out = f", {len(given.skipped)} unreadable images left out" if given.skipped else ""
        return given.samples, f"the {len(given.samples)} given inputs{left_out}"
    if calibrated is not None:
        count = len(calibrated.samples)
        return calibrated.samples, f"the {count} calibration samples, as no inputs were given"
    noise = np.random.default_rng(0).standard_normal((_RANDOM_SAMPLES, *shape))
    return (
        noise.astype(np.float32),
        f"{_RANDOM_SAMPLES} random inputs (standard normal, seed 0), as no inputs were given",
    )


def _checked_file(
    final: Path, precision: str, content: bytes, samples: FloatArray, reference: FloatArray
) -> ConversionRecord:
    """Writes a converted model and gives it its name if it is sound."""
    ops = op_histogram(content)
    if custom := custom_ops(ops):
        raise ToolError(
            f"{final.name}: needs operators that are not built into TFLite: {', '.join(custom)}. "
            "Replace the Keras layers that make them."
        )
    if precision == "int8":
        check_integer_only(content, final.name)
        check_requantization(content, final.name)
    with whole_file(final) as temporary:
        temporary.write_bytes(content)
        try:
            evaluation = evaluate(temporary, samples, reference_outputs=reference)
        except ToolError as error:
            # The temporary name is gone when the user reads this.
            raise ToolError(str(error).replace(str(temporary), str(final))) from error
        _check_function(final.name, precision, evaluation.max_abs_error, reference)
    evaluation = replace(evaluation, file=final)
    return ConversionRecord(final, precision, len(content), ops, evaluation)


def _check_function(name: str, precision: str, error: float | None, reference: FloatArray) -> None:
    """Refuses a file that computes something else than the model that it was made from."""
    bound = _LARGEST_ERRORS.get(precision)
    largest = float(np.abs(reference).max())
    if bound is None or error is None or error <= bound * largest:
        return
    raise ToolError(
        f"{name}: expected outputs within {bound:g} of the largest that the Keras model answers, "
        f"{largest:.3g}, got a difference of {error:.3g}. The file does not compute the model's "
        "function and is not kept. Check the fusion with keras_finet.verify_fusion, and the "
        "model's own call for what its layers do not do."
    )
