"""What holds for every public layer and builder, on every backend: the rows of `descriptors`."""

import contextlib
import functools
import importlib
import inspect
import pkgutil

import keras
import numpy as np
import pytest
from descriptors import BUILDERS, FAMILIES, LAYERS
from keras import ops
from support.hostile import randomize, settle
from support.programs import measured
from support.training import relative_error

import keras_finet
from keras_finet import applications, layers

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
# A network is a graph of layers. Where each operation of each shape is compiled, all of them would
# take minutes: one of each kind of block is tried there, and `test_builders.py` runs every family.
KINDS = {"FinetSmall", "WideResNet", "ReActNetA"}
NETWORKS = [each for each in BUILDERS if ON_TENSORFLOW or str(each) in KINDS]
ROWS = [*LAYERS, *NETWORKS]
# Up to a hundred layers, the last of which normalise eight samples, multiply a type's rounding by a
# hundred; another function errs by 1.
LARGEST_ERROR = 5e-5
every_row = pytest.mark.parametrize("row", ROWS, ids=str)


@functools.cache
def trained(row):
    """The small model with random weights; tests leave it as it is."""
    keras.utils.set_random_seed(0)
    model = row.model()
    settle(model, images(row), decades=0.1)
    answers = outputs(model, images(row))
    assert answers.std(0).max() > 0.01 * np.abs(answers).max()  # it answers to its input
    return model


def images(row):
    return np.random.default_rng(4).normal(size=(8, *row.size)).astype("float32")


def outputs(model, inputs):
    return ops.convert_to_numpy(ops.cast(model(inputs, training=False), "float32"))


@contextlib.contextmanager
def setting(get, change, value):
    """Keras' setting changed for a while."""
    previous = get()
    change(value)
    try:
        yield
    finally:
        change(previous)


def defined_in_the_package():
    """All layers that files can name, and all functions that are named like classes."""
    builders = set()
    for module in pkgutil.walk_packages(keras_finet.__path__, "keras_finet."):
        values = vars(importlib.import_module(module.name)).values()
        builders.update(filter(is_builder, values))
    registered = keras.saving.get_custom_objects()
    ours = {registered[name] for name in registered if name.startswith("keras_finet>")}
    return set(filter(is_layer, ours)), builders


def exported(module, condition):
    return set(filter(condition, (getattr(module, name) for name in module.__all__)))


def is_layer(value):
    return inspect.isclass(value) and issubclass(value, keras.layers.Layer)


def is_builder(value):
    is_ours = inspect.isfunction(value) and value.__module__.startswith("keras_finet.")
    return is_ours and value.__name__[0].isupper()


def test_every_public_layer_and_builder_has_one_row():
    layer_classes, builders = ([row.public for row in rows] for rows in (LAYERS, BUILDERS))
    assert len(set(layer_classes)) == len(layer_classes)
    assert len(set(builders)) == len(builders)
    assert (set(layer_classes), set(builders)) == defined_in_the_package()
    assert exported(layers, is_layer) == set(layer_classes)
    assert exported(keras_finet, is_layer) <= set(layer_classes)
    assert exported(applications, is_builder) == set(builders)
    assert exported(keras_finet, is_builder) == set(builders)
    assert keras_finet.list_models() == sorted(map(str, BUILDERS))


@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_config_holds_every_argument(row):
    layer = row.public(**row.arguments, name="mine", dtype="float16", trainable=False)
    config = layer.get_config()
    parameters = inspect.signature(row.public).parameters
    assert set(parameters) - {"kwargs"} <= set(config)
    copy = row.public.from_config(config)
    assert copy.get_config() == config
    assert (copy.name, copy.compute_dtype, copy.trainable) == ("mine", "float16", False)
    assert [name for name in row.arguments if config[name] == parameters[name].default] == []


@every_row
def test_config_makes_the_same_model(row):
    model = trained(row)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert copy.get_config() == model.get_config()
    copy.set_weights(model.get_weights())
    assert np.array_equal(outputs(copy, images(row)), outputs(model, images(row)))


def test_saved_models_answer_the_same_in_a_new_process(tmp_path):
    """Models as trained without custom objects; those fused to stock layers without the package."""
    expected = {}
    for row in ROWS:
        models = {tmp_path: trained(row)}
        if row in FAMILIES + LAYERS and not row.kept:
            models[tmp_path / "stock"] = keras_finet.fuse(trained(row))
        for folder, model in models.items():
            folder.mkdir(exist_ok=True)
            model.save(folder / f"{row}.keras")
            np.save(folder / f"{row}.npy", images(row))
            expected[folder / str(row)] = outputs(model, images(row))
    assert measured("reload.py", tmp_path) == len(ROWS)
    for folder in (tmp_path, tmp_path / "stock"):
        got = np.load(folder / "outputs.npz")
        assert set(got) == {path.name for path in expected if path.parent == folder}
        for name in got:
            assert relative_error(got[name], expected[folder / name]) < 1e-6, name


@every_row
def test_mixed_precision(row):
    policy = keras.config.dtype_policy, keras.config.set_dtype_policy
    with setting(*policy, "mixed_float16"):
        model = row.model()
    assert {weight.dtype for weight in model.weights} <= {"float32"}
    model.set_weights(trained(row).get_weights())
    tensor = model(images(row), training=False)
    assert keras.backend.standardize_dtype(tensor.dtype) == "float16"
    got, expected = outputs(model, images(row)), outputs(trained(row), images(row))
    # Not finite fails too.
    assert relative_error(got, expected) < row.half_error


@every_row
def test_channels_first_computes_what_channels_last_computes(row):
    formats = keras.config.image_data_format, keras.config.set_image_data_format
    with setting(*formats, "channels_first"):
        model = row.model()
    shapes = [tuple(weight.shape) for weight in trained(row).weights]
    assert [tuple(weight.shape) for weight in model.weights] == shapes
    model.set_weights(trained(row).get_weights())
    got = outputs(model, images(row).transpose(0, 3, 1, 2))
    expected = outputs(trained(row), images(row))
    if row in LAYERS:
        expected = expected.transpose(0, 3, 1, 2)
    assert relative_error(got, expected) < LARGEST_ERROR


@every_row
def test_fuses_to_stock_layers(row):
    # More hostile than `trained`: every layer is compared, and not the outputs alone.
    model = row.model()
    randomize(model)
    refusals = keras_finet.plan_fusion(model).refusals
    assert [each.kind for each in refusals] == row.kept_normalizations * ["BatchNormalization"]
    fused = keras_finet.fuse(model)
    kinds = [type(layer) for layer in fused.layers]
    assert {kind for kind in kinds if kind.__module__.startswith("keras_finet.")} == set(row.kept)
    assert kinds.count(keras.layers.BatchNormalization) == row.kept_normalizations
    assert keras.layers.Dropout not in kinds
    report = keras_finet.verify_fusion(model, fused, images(row), tolerance=1e-5)
    assert report.passed, report


@pytest.mark.skipif(not ON_TENSORFLOW, reason="what conversion needs")
@every_row
def test_converts_to_built_in_operators(row, tmp_path):
    # Not there in an environment for the other backends.
    from ai_edge_litert.interpreter import Interpreter

    from tflite_tools import convert
    from tflite_tools.interpreter import LiteModel

    samples = images(row)
    precisions = ("float32", "int8") if row in FAMILIES else ("float32",)
    report = convert(trained(row), tmp_path, precisions=precisions, calibration=samples)
    assert [record.ops for record in report.records] == len(precisions) * [row.operators]
    file = report.records[0].file
    tensors = Interpreter(model_path=str(file)).get_tensor_details()
    # Mobile GPUs take no more dimensions.
    assert max(len(tensor["shape"]) for tensor in tensors) <= 4
    error = relative_error(LiteModel(file).predict(samples), outputs(trained(row), samples))
    assert error < LARGEST_ERROR
