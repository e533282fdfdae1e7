"""Keras model → checked .tflite files."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_tools.artefact import Origin, checked_file
from tflite_tools.conversion_options import check_options, checked_precisions
from tflite_tools.conversion_samples import load_conversion_samples
from tflite_tools.datasets import check_source
from tflite_tools.dead_channels import QUANTISED, dead_channel_record
from tflite_tools.deploy import deployed_graph, reference_outputs, sample_shape
from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, are_images
from tflite_tools.file_contents import file_contents
from tflite_tools.file_metadata import checked_about, file_metadata
from tflite_tools.float16 import check_float16
from tflite_tools.loading import check_keras_file, check_name, resolved_model
from tflite_tools.metadata import check_label_count, load_labels
from tflite_tools.model_card import trained_input_range
from tflite_tools.output_folder import output_folder
from tflite_tools.percentile import check_percentile
from tflite_tools.pixel_input import check_takes_images
from tflite_tools.progress import Progress, counter
from tflite_tools.provenance import calibration_of, creation_time, recipe_of, source_of
from tflite_tools.quantize import Quantization
from tflite_tools.quiet import verbosity
from tflite_tools.report import ConversionReport
from tflite_tools.targets import PER_CHANNEL_DENSE, check_target, check_target_name

if TYPE_CHECKING:
    import keras

# Of keras_finet.preprocess_input, and so of the models that it was made for.
_PREPROCESSING = "torch"
_STEPS = 2
_NOT_IN_RECIPES = ("model", "output_dir", "data_dir", "progress")


def convert(
    model: "keras.Model | str | os.PathLike[str]",
    output_dir: str | os.PathLike[str],
    *,
    precisions: Sequence[str] = ("float32",),
    calibration: Any = None,
    calibration_split: str = "train",
    calibration_samples: int | None = 256,
    calibration_percentile: float | None = None,
    preprocessing: str | None = None,
    include_preprocessing: bool = False,
    labels: Iterable[str] | str | os.PathLike[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    skip_unreadable: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
    model_card: str | os.PathLike[str] | None = None,
    inputs: Any = None,
    int8_io: str | None = None,
    drop_dead_channels: bool = True,
    target: str = "cpu",
    batch_size: int = 1,
    name: str | None = None,
    verbose: bool = False,
    progress: Progress | None = None,
) -> ConversionReport:
    """Fuses a Keras model and writes it as .tflite files, one for each precision.

    The model is fused, rebuilt in float32 with a fixed batch size, converted with built-in
    operators only, run in the LiteRT interpreter and compared with the Keras model. Only a file
    that passed gets its name, `<name>_<precision>.tflite`. A float file whose outputs differ by
    more than rounding is refused, and a float16 file with weights beyond 65504, float16's largest;
    what int8 costs is in the report. Behind binary activations float16 may turn most values
    around: there its file has to equal the float32 file with constants rounded to float16, and
    what that rounding costs is in the report as well.

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
        preprocessing: What the images that the model was trained on had undergone: "torch" (as
            `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit" (0 to 1) or "none" (0 to 255).
            Images are read that way, "torch" by default, and the files' metadata say so, if it
            is given or images were read.
        include_preprocessing: Makes the preprocessing part of the files, which then take images
            of type uint8, 0 to 255. What is given as arrays has to be such pixels too.
        labels: The names of the classes, in order, or a text file with one on each line; they
            are stored in the files.
        metadata: What else the files say of themselves, by the keys "name", "description",
            "version", "author" and "license".
        skip_unreadable: Leaves out images of a folder that cannot be read, and counts them in
            the report. By default they are an error.
        data_dir: Where TFDS data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets.
        model_card: A JSON file whose `"input_range": [low, high]` the calibration samples are
            compared with. By default `model.card.json` beside `model.keras`, if there is one.
        inputs: Samples to compare the files with the Keras model on, from the same kinds of
            source. By default the calibration samples, or random ones.
        int8_io: The type of the int8 file's input and output: "int8", "uint8" or "float32". By
            default "int8", and "uint8" with `include_preprocessing`, where it is that of the
            output only. Android's libraries take uint8 and float32.
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
        progress: Called with each of the files, how many of its two steps are done (converted,
            checked), and 2.

    Returns:
        A `ConversionReport`; `print` shows it as a table.

    Raises:
        ToolError: Something given cannot be used; the message says what and what to do. No
            half-written file is left; files of earlier precisions stay.
    """
    options = dict(locals())
    wanted = checked_precisions(precisions)
    feeding = Feeding(
        _PREPROCESSING if preprocessing is None else preprocessing, include_preprocessing
    )
    if int8_io is None:
        int8_io = "uint8" if include_preprocessing else "int8"
    check_options(wanted, calibration, int8_io, batch_size)
    check_percentile(calibration_percentile)
    check_target_name(target)
    if calibration_percentile is not None and (include_preprocessing or int8_io == "uint8"):
        raise ToolError(
            "calibration_percentile: makes no uint8 inputs and outputs, and so goes neither with "
            "include_preprocessing nor with int8_io uint8. Leave out one of them."
        )
    if name is not None:
        check_name(name)
    for what, source in (("calibration data", calibration), ("inputs", inputs)):
        check_source(
            source, what=what, limit=calibration_samples, preprocessing=feeding.preprocessing
        )
    names = None if labels is None else load_labels(labels)
    about = checked_about(metadata)
    created = creation_time()
    if isinstance(model, str | os.PathLike):
        check_keras_file(Path(model))
    trained_range = trained_input_range(model, model_card)
    with verbosity(verbose), output_folder(output_dir) as folder:
        keras_model, stem = resolved_model(model, name)
        finals = [folder / f"{stem}_{precision}.tflite" for precision in wanted]
        steps = [counter(progress, final, _STEPS) or (lambda done: None) for final in finals]
        for step in steps:
            step(0)
        shape = sample_shape(keras_model)
        if include_preprocessing:
            check_takes_images(shape)
        samples = load_conversion_samples(
            calibration,
            inputs,
            shape,
            feeding=feeding,
            split=calibration_split,
            skip_unreadable=skip_unreadable,
            data_dir=data_dir,
            limit=calibration_samples,
            percentile=calibration_percentile,
            trained_range=trained_range,
        )
        graph = deployed_graph(keras_model)
        fed = feeding.for_keras(samples.compared)
        reference = reference_outputs(keras_model, fed)
        dead = None
        if any(precision in QUANTISED for precision in wanted):
            dead = dead_channel_record(
                keras_model, drop=drop_dead_channels, samples=fed, reference=reference
            )
        sound = graph
        if dead is not None and dead.dropped:
            sound = deployed_graph(keras_model, drop_dead_channels=True)
        graphs = {name: sound if name in QUANTISED else graph for name in wanted}
        if names is not None:
            check_label_count(names, reference.shape[1:])
        images_are_read = any(map(are_images, (calibration, inputs)))
        known = feeding if preprocessing or include_preprocessing or images_are_read else None
        origin = Origin(
            created=created,
            source=source_of(model, keras_model.name, graph),
            recipe=_recipe(options, known, int8_io, names),
            calibration=None
            if samples.calibration is None
            else calibration_of(samples.calibration.record.source, samples.calibration.samples),
            verified_on=samples.compared_on,
        )
        write = partial(
            checked_file,
            samples=samples.compared,
            reference=reference,
            metadata=file_metadata(stem, shape, feeding=known, labels=names, about=about),
            origin=origin,
        )
        quantization = Quantization(
            None if samples.calibration is None else samples.calibration.samples,
            calibration_percentile,
            int8_io,
            PER_CHANNEL_DENSE[target],
        )
        make = partial(
            file_contents, feeding=feeding, batch_size=batch_size, quantization=quantization
        )
        for step in steps:
            step(1)
        records = []
        made: dict[str, bytes] = {}
        for precision, final, content, step in zip(
            wanted, finals, make(graphs), steps, strict=True
        ):
            check_target(content, target, final.name, [node.name for node in graph.nodes])
            made[precision] = content
            exact = None
            if precision == "float16":
                check_float16(content, graph, final.name)
                exact = partial(_float32_content, made, partial(make, {"float32": graph}))
            records.append(write(final, precision, content, float32=exact))
            step(1)
    calibrated = samples.calibration if "int8" in wanted else None
    quantised_on = None if calibrated is None else calibrated.record
    return ConversionReport(tuple(records), samples.compared_on, quantised_on, dead)


def _float32_content(made: Mapping[str, bytes], make: Callable[[], Iterator[bytes]]) -> bytes:
    """The float32 file among those made, or else a new one."""
    return made.get("float32") or next(make())


def _recipe(
    options: Mapping[str, Any],
    feeding: Feeding | None,
    int8_io: str,
    labels: tuple[str, ...] | None,
) -> dict[str, Any]:
    """The options with what they came to; the precision stands in each file's own record."""
    recipe = recipe_of({key: value for key, value in options.items() if key not in _NOT_IN_RECIPES})
    del recipe["precisions"]
    preprocessing = None if feeding is None else feeding.preprocessing
    count = None if labels is None else len(labels)
    return {**recipe, "preprocessing": preprocessing, "int8_io": int8_io, "labels": count}
