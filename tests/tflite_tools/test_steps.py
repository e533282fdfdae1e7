"""Files with steps: rounding may turn values around on some samples, and convert knows that."""

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from keras import layers

from keras_finet.layers import RSign
from tflite_tools import artefact, conversion, convert
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import parse
from tflite_tools.interpreter import LiteModel

SAMPLES = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype("float32")


@pytest.fixture
def model():
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(16, 3, name="conv")(image)
    x = RSign(name="sign")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(4)(x), name="steps")


@pytest.fixture
def turned(monkeypatch):
    """A function that makes the reference of some samples that of other signs."""

    def turn(count):
        own = artefact.evaluate_models

        def evaluate_models(models, samples, *, reference_outputs):
            return own(models, samples, reference_outputs=changed(reference_outputs))

        def changed(reference):
            reference[:count] += 0.3 * np.abs(reference).max()
            return reference

        monkeypatch.setattr(artefact, "evaluate_models", evaluate_models)

    return turn


def test_a_file_is_kept_if_some_samples_are_turned(model, turned, tmp_path):
    turned(5)
    (record,) = convert(model, tmp_path, inputs=SAMPLES).records
    assert record.evaluation.max_abs_error > 0.01
    assert record.file.exists()


def test_a_file_is_refused_if_nearly_all_samples_differ(model, turned, tmp_path):
    turned(7)
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(model, tmp_path, inputs=SAMPLES)
    assert not list(tmp_path.glob("*.tflite"))


def test_without_steps_one_sample_is_enough(turned, tmp_path):
    image = keras.Input((4, 4, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation="relu")(image))
    model = keras.Model(image, layers.Dense(4)(x), name="smooth")
    turned(1)
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(model, tmp_path, inputs=SAMPLES)


VECTORS = np.concatenate([np.ones((8, 1)), SAMPLES[:, 0, :, 0]], axis=1).astype("float32")


@pytest.fixture
def turning():
    """In float16 a unit is 0 that was below it on every sample of `VECTORS`."""
    keras.utils.set_random_seed(3)
    dense = layers.Dense(8, name="dense")
    vector = keras.Input((5,))
    model = keras.Model(
        vector, layers.Dense(4, bias_initializer="ones")(RSign()(dense(vector))), name="turning"
    )
    kernel, bias = dense.get_weights()
    kernel[:, 0], bias[0] = [0.33331, 0, 0, 0, 0], -0.33333
    dense.set_weights([kernel, bias])
    return model


def with_head(model, largest):
    """The model with head weights of both signs up to a number."""
    kernel = model.layers[-1].kernel
    values = np.random.default_rng(1).normal(size=kernel.shape)
    kernel.assign(values / np.abs(values).max() * largest)
    return model


def rewritten(content, change):
    """A file after `change` of its object form."""
    model = parse(content)
    change(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def change_constants(model, dtype, change):
    code = {"float32": schema.TensorType.FLOAT32, "float16": schema.TensorType.FLOAT16}[dtype]
    for tensor in model.subgraphs[0].tensors:
        buffer = model.buffers[tensor.buffer]
        if tensor.type == code and buffer.data is not None:
            values = np.frombuffer(bytes(buffer.data), dtype)
            buffer.data = np.frombuffer(change(values).astype(dtype).tobytes(), np.uint8)


@pytest.fixture
def changed_files(monkeypatch):
    """A function that sets how files are changed before they are checked."""

    def set_change(change):
        own = conversion.file_contents
        monkeypatch.setattr(
            conversion,
            "file_contents",
            lambda graphs, **options: (
                change(precision, content)
                for precision, content in zip(graphs, own(graphs, **options), strict=True)
            ),
        )

    return set_change


@pytest.mark.parametrize("steps", [True, False])
def test_weights_that_float16_does_not_hold_are_refused(model, steps, tmp_path):
    if not steps:
        model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="dense")], name="steps")
    layer = model.layers[-1].name
    inputs = SAMPLES if steps else SAMPLES[:, 0, 0, :].repeat(2, axis=1)
    kept = rf"steps_float16.tflite: .* up to 65504, .* got 1e\+06 in the layer '{layer}'"
    with pytest.raises(ToolError, match=kept):
        convert(with_head(model, 1e6), tmp_path, precisions=["float16"], inputs=inputs)
    assert not list(tmp_path.iterdir())


def test_weights_at_the_end_of_float16_are_kept(model, tmp_path):
    (record,) = convert(with_head(model, 65504), tmp_path, precisions=["float16"]).records
    assert record.file.exists()


def test_large_constants_that_float16_cuts_without_harm_are_kept(tmp_path):
    """A mask of -1e9 in front of a softmax does the same as one of -65504."""
    vector = keras.Input((4,))
    x = layers.Dense(4)(vector) + np.array([0.0, -1e9, 0.0, -1e9], "float32")
    model = keras.Model(vector, layers.Softmax()(x), name="masked")
    (record,) = convert(model, tmp_path, precisions=["float16"]).records
    assert record.evaluation.max_abs_error < 1e-2


def test_large_constants_that_are_no_weights_are_refused_behind_steps(model, tmp_path):
    scaled = keras.Model(model.input, model.output * 1e6, name="scaled")
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(scaled, tmp_path, precisions=["float16"], inputs=SAMPLES)


@pytest.mark.parametrize("precisions", [["float16"], ["float32", "float16"]])
def test_float16_that_turns_values_around_on_every_sample_is_kept(turning, precisions, tmp_path):
    *_, record = convert(turning, tmp_path, precisions=precisions, inputs=VECTORS).records
    outputs = LiteModel(record.file).predict(VECTORS)
    expected = np.asarray(turning.predict(VECTORS, verbose=0))
    turned_by = np.abs(outputs - expected).max(axis=1).min()
    assert turned_by > 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_float16_of_other_weights_is_refused(turning, changed_files, factor, tmp_path):
    def change(precision, content):
        if precision != "float16":
            return content
        return rewritten(
            content, lambda file: change_constants(file, "float16", lambda held: held * factor)
        )

    changed_files(change)
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(turning, tmp_path, precisions=["float16"], inputs=VECTORS)
    assert not list(tmp_path.iterdir())


def test_float16_is_refused_if_the_float32_file_is_wrong(turning, changed_files, tmp_path):
    """Both agree then: only the Keras model tells."""

    def change(precision, content):
        return rewritten(
            content, lambda file: change_constants(file, precision, lambda held: held * 1.01)
        )

    changed_files(change)
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(turning, tmp_path, precisions=["float16"], inputs=VECTORS)


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic_int8", "int8"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_files_that_answer_nan_or_infinity_are_refused(
    turning, changed_files, precision, value, tmp_path
):
    def poison(file):
        """The bias of the head or, where that is of integers, what a step of int8 is worth."""
        graph = file.subgraphs[0]
        if precision == "int8":
            graph.tensors[graph.outputs[0]].quantization.scale = np.array([value], np.float32)
            return
        change_constants(file, "float16" if precision == "float16" else "float32", one_poisoned)

    def one_poisoned(held):
        changed = held.copy()
        if held.shape == (4,):
            changed[0] = value
        return changed

    changed_files(lambda _, content: rewritten(content, poison))
    # int8 has no NaN: LiteRT refuses the scale.
    reason = "cannot prepare" if precision == "int8" else "NaN or infinity .* 8 of 8 samples"
    with pytest.raises(ToolError, match=reason):
        convert(turning, tmp_path, precisions=[precision], calibration=VECTORS, inputs=VECTORS)
    assert not list(tmp_path.iterdir())
