import zipfile

import keras
import numpy as np
import pytest

from tflite_tools.errors import ToolError
from tflite_tools.loading import check_keras_file, load_keras_model


def test_loads_the_layers_of_keras_finet(keras_file, samples, expected):
    loaded = load_keras_model(keras_file)
    np.testing.assert_allclose(loaded(samples, training=False), expected, atol=1e-6)


def test_a_missing_file(tmp_path):
    with pytest.raises(ToolError, match=r"missing\.keras: no such file"):
        check_keras_file(tmp_path / "missing.keras")


def test_a_folder(tmp_path):
    with pytest.raises(ToolError, match="got a folder"):
        check_keras_file(tmp_path)


def test_another_format(tmp_path):
    path = tmp_path / "model.h5"
    path.touch()
    with pytest.raises(ToolError, match=r"expected a \.keras file.* got a \.h5 file"):
        check_keras_file(path)


def test_no_suffix(tmp_path):
    path = tmp_path / "model"
    path.touch()
    with pytest.raises(ToolError, match=r"expected a \.keras file.* got a file without a suffix"):
        check_keras_file(path)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_truncated_file(keras_file, tmp_path, share):
    content = keras_file.read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ToolError, match=r"cut\.keras: not a \.keras file, or a truncated one"):
        check_keras_file(path)


def test_a_damaged_member(keras_file, tmp_path):
    content = bytearray(keras_file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "damaged.keras"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=r"damaged\.keras: not a whole \.keras file: .* is damaged"):
        check_keras_file(path)


def test_another_zip_file(tmp_path):
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
    with pytest.raises(ToolError, match=r"other\.keras: .* config\.json missing"):
        check_keras_file(path)


@keras.saving.register_keras_serializable("tests")
class Doubling(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.dense = keras.layers.Dense(2)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, inputs):
        return self.dense(inputs)


@pytest.fixture
def forgotten(monkeypatch):
    """A new process would not know the classes that this module registers."""

    def forget():
        known = keras.saving.get_custom_objects()
        for name in [name for name in known if name.startswith("tests>")]:
            monkeypatch.delitem(known, name)

    return forget


def test_unknown_layers_are_named_with_what_to_do(tmp_path, forgotten):
    vector = keras.Input((4,))
    path = tmp_path / "custom.keras"
    inner = keras.Sequential([keras.Input((4,)), Doubling(name="twice")])
    keras.Model(vector, inner(vector)).save(path)
    forgotten()
    with pytest.raises(
        ToolError, match=r"custom\.keras: .* got the layer 'twice' with Doubling of .* Replace it"
    ):
        load_keras_model(path)


def test_of_an_unknown_subclassed_model_loading_it_would_not_help(tmp_path, forgotten):
    model = Subclassed()
    model.build((None, 4))
    path = tmp_path / "custom.keras"
    model.save(path)
    forgotten()
    with pytest.raises(
        ToolError, match=r"custom\.keras: .* functional .* got the class Subclassed,"
    ):
        load_keras_model(path)


def test_lambda_layers_are_not_executed(tmp_path):
    vector = keras.Input((4,))
    path = tmp_path / "lambda.keras"
    keras.Model(vector, keras.layers.Lambda(lambda x: x * 2, name="twice")(vector)).save(path)
    with pytest.raises(ToolError, match=r"lambda\.keras: .* the layer 'twice' with a Lambda"):
        load_keras_model(path)


@pytest.mark.parametrize("config", ["{}", "[]", "not JSON", b"\xff"])
def test_anything_else_that_keras_cannot_load(tmp_path, config):
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", config)
    with pytest.raises(ToolError, match=r"odd\.keras: Keras cannot load the model: \w+Error"):
        load_keras_model(path)


@pytest.mark.parametrize("backend", ["torch", "nonsense"])
def test_a_backend_that_is_not_there(run_python, backend):
    program = "from tflite_tools.loading import import_keras_finet; import_keras_finet()"
    blocked = "import sys; sys.modules['torch'] = None; "
    result = run_python("-c", blocked + program, env={"KERAS_BACKEND": backend})
    message = f"ToolError: Keras does not import on the backend {backend}: "
    assert message in result.stderr.splitlines()[-1]
    assert "unset KERAS_BACKEND" in result.stderr
