"""What Keras writes is read as it was meant; what is broken is one clear error."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import keras_finet
from keras_finet.applications.weights_file import open_weights


@pytest.fixture(scope="module")
def model():
    x = inputs = keras.Input((4, 4, 2))
    x = layers.Conv2D(3, 1, name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(5, 1, use_bias=False, name="second")(x)
    model = keras.Model(inputs, x, name="model")
    model.compile("adam", "mse")
    model.fit(np.ones((1, 4, 4, 2)), np.ones((1, 4, 4, 5)), verbose=0)
    return model


@pytest.fixture(params=[".weights.h5", ".keras"])
def path(request, model, tmp_path):
    path = tmp_path / f"model{request.param}"
    (model.save if request.param == ".keras" else model.save_weights)(path)
    return path


def test_layers_are_read_by_name(model, path):
    """Optimizer state and layers without weights are no layers with weights."""
    with open_weights(path) as stored:
        arrays = {name: list(layer.read().values()) for name, layer in stored.items()}
        places = {name: (layer.place, layer.rank) for name, layer in stored.items()}
        strides = stored["second"].config.get("strides")
    assert arrays.keys() == {"first", "norm", "second"}
    for name, read in arrays.items():
        assert all(map(np.array_equal, read, model.get_layer(name).get_weights()))
    assert places == {
        "first": ((("conv2d", 0),), 1 if path.suffix == ".keras" else None),
        "norm": ((("batch_normalization", 0),), 2 if path.suffix == ".keras" else None),
        "second": ((("conv2d", 1),), 4 if path.suffix == ".keras" else None),
    }
    assert strides == ([1, 1] if path.suffix == ".keras" else None)


def refuse(model, path, detail=""):
    message = f"Received: a file that cannot be read as weights.*{detail}"
    with pytest.raises(ValueError, match=message) as error:
        keras_finet.load_weights(model, path)
    assert len(str(error.value)) < 600


def test_a_file_cut_off_anywhere_is_refused(model, path):
    before = model.get_weights()
    content = path.read_bytes()
    for part in range(16):
        path.write_bytes(content[: len(content) * part // 16])
        refuse(model, path)
    assert all(map(np.array_equal, model.get_weights(), before))


def test_damage_anywhere_is_one_error_or_none(model, path):
    """A `.keras` file has checksums. In the other only what is not a number can be found out.

    Spared are the layers' names: HDF5 1.14 hangs on a damaged heap of strings (`GCOL`).
    """
    content = path.read_bytes()
    refused = 0
    for start in range(0, len(content), 256):
        if start <= content.find(b"GCOL") < start + 256 or b"GCOL" in content[start - 4096 : start]:
            continue
        path.write_bytes(content[:start] + b"\xff" * 256 + content[start + 256 :])
        try:
            keras_finet.load_weights(model, path)
        except ValueError:
            refused += 1
        else:
            assert path.suffix == ".h5"
    assert refused > 10


def test_other_content_is_refused(model, tmp_path):
    for name, content in {
        "empty.weights.h5": b"",
        "text.weights.h5": b"not a model",
        "text.keras": b"not a model",
    }.items():
        (tmp_path / name).write_bytes(content)
        refuse(model, tmp_path / name)
    with zipfile.ZipFile(tmp_path / "no_weights.keras", "w") as archive:
        archive.writestr("config.json", '{"config": {}}')
    refuse(model, tmp_path / "no_weights.keras")
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file["numbers"] = np.ones(3)
    refuse(model, tmp_path / "other.weights.h5", "has no group 'layers'")
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"ends in `\.weights\.h5` or `\.keras`. Received: .*npz"):
        keras_finet.load_weights(model, tmp_path / "weights.npz")


def edited(model, path, edit):
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        variables = file["layers/conv2d/vars"]
        del variables["0"]
        edit(variables)
    return path


def test_a_link_out_of_the_file_is_refused(model, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.ones((1, 1, 2, 3))

    def link(variables):
        variables["0"] = h5py.ExternalLink(str(secret), "kernel")

    def virtual(variables):
        layout = h5py.VirtualLayout((1, 1, 2, 3), "float64")
        layout[:] = h5py.VirtualSource(str(secret), "kernel", (1, 1, 2, 3))
        variables.create_virtual_dataset("0", layout)

    for edit in (link, virtual):
        refuse(model, edited(model, tmp_path / "linked.weights.h5", edit))


def test_what_is_no_array_of_numbers_is_refused(model, tmp_path):
    def words(variables):
        variables["0"] = np.full((1, 1, 2, 3), b"word")

    def group(variables):
        variables.create_group("0")

    for edit in (words, group):
        refuse(model, edited(model, tmp_path / "words.weights.h5", edit))


def test_an_array_of_enormous_shape_is_not_read(model, tmp_path):
    def bomb(variables):
        variables.create_dataset("0", shape=(1 << 40,), dtype="float32", chunks=(1 << 10,))

    path = edited(model, tmp_path / "bomb.weights.h5", bomb)
    with pytest.raises(ValueError, match=r"first with \(1099511627776,\) instead of \(1, 1, 2, 3"):
        keras_finet.load_weights(model, path)
