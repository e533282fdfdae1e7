"""A teacher's probabilities in the place of labels, and files that are no teacher."""

import keras
import numpy as np
import pytest
from command_line import InputError
from recipe.engine import train
from recipe.settings import Recipe
from recipe.sources import open_source
from recipe.teacher import Divergence, Teacher, taught
from support.recipe_data import write_folder
from support.train_tiny import TINY, tiny_network

RECIPE = Recipe(dataset="", **TINY)
CLASSES = 3


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("data"))
    return open_source(Recipe(dataset=str(folder), **TINY))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Of a teacher that finds the first class likely, whatever it sees."""
    keras.utils.set_random_seed(5)
    model = tiny_network(RECIPE, CLASSES, "softmax")
    model.get_layer("logits").bias.assign([2.0, 0.0, -1.0])
    file = tmp_path_factory.mktemp("teacher") / "teacher.keras"
    model.save(file)
    return file


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_the_divergence_by_numpy():
    rng = np.random.default_rng(0)
    logits, wanted = rng.normal(size=(5, 4)), softmax(rng.normal(size=(5, 4)))
    wanted[0] = [1, 0, 0, 0]
    own = softmax(logits)
    terms = np.where(wanted > 0, wanted * np.log(np.maximum(wanted, 1e-30) / own), 0)
    found = Divergence()(wanted.astype("float32"), logits.astype("float32"))
    assert float(found) == pytest.approx(terms.sum(1).mean(), rel=1e-5)
    same = Divergence()(own.astype("float32"), logits.astype("float32"))
    assert float(same) == pytest.approx(0, abs=1e-6)


def test_a_step_takes_the_loss_to_the_teacher_and_the_metrics_to_the_labels(file, source):
    model = tiny_network(RECIPE, CLASSES, None)
    network = taught(model, Teacher.of(file).model(RECIPE, source))
    assert [each.path for each in network.weights] == [each.path for each in model.weights]
    assert len(network.trainable_weights) == len(model.trainable_weights)
    network.compile(keras.optimizers.SGD(0.0), Divergence(), metrics=["categorical_accuracy"])
    images = np.random.default_rng(1).normal(size=(6, 8, 8, 3)).astype("float32")
    labels = np.eye(CLASSES)[[0, 1, 2, 0, 1, 2]].astype("float32")
    found = network.test_on_batch(images, labels, return_dict=True)
    wanted = keras.ops.convert_to_numpy(keras.saving.load_model(file)(images))
    logits = keras.ops.convert_to_numpy(model(images))
    expected = (wanted * np.log(wanted / softmax(logits))).sum(1).mean()
    assert found["loss"] == pytest.approx(expected, rel=1e-4)
    hits = np.mean(logits.argmax(1) == labels.argmax(1))
    assert found["categorical_accuracy"] == pytest.approx(hits)


def test_it_learns_what_the_teacher_says_and_not_the_labels(file, source, tmp_path):
    recipe = Recipe(dataset=source.name, **{**TINY, "epochs": 4, "dropout": 0.0})
    result = train(recipe, source, tmp_path, teacher=file, eagerly=True, verbose=0, build=build)
    losses = [row["loss"] for row in result.history]
    assert losses[-1] < 0.3 * losses[0]
    assert result.top1 == pytest.approx(1 / 3)  # of the evaluation images, which it all calls 0
    assert result.teacher == Teacher.of(file)
    # A run of another teacher, or of none, is another run.
    for other in (None, other_teacher(tmp_path)):
        with pytest.raises(InputError, match=r"another configuration: teacher [0-9a-f]{64} there"):
            train(recipe, source, tmp_path, teacher=other, verbose=0, build=build)


def build(recipe, classes, activation):
    return tiny_network(recipe, classes, activation)


def other_teacher(folder):
    file = folder / "other.keras"
    tiny_network(RECIPE, CLASSES, "softmax").save(file)
    return file


def network(inputs, classes=CLASSES, activation="softmax"):
    images = keras.Input(inputs)
    x = keras.layers.GlobalAveragePooling2D()(images)
    return keras.Model(images, keras.layers.Dense(classes, activation=activation)(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((8, 8, 3), 4), r"a classifier of the 3 classes of .*, got \(4,\)"),
        (
            ((32, 32, 3),),
            r"a network for images of shape \(8, 8, 3\), as this .*, got \(32, 32, 3\)",
        ),
        (((8, 8, 1),), r"a network for images of shape \(8, 8, 3\), as this .*, got \(8, 8, 1\)"),
        (((8, 8, 3), 3, None), "class probabilities as outputs, as of a softmax, got other"),
    ],
    ids=["classes", "size", "channels", "logits"],
)
def test_what_is_no_teacher(arguments, message, source, tmp_path):
    file = tmp_path / "teacher.keras"
    network(*arguments).save(file)
    with pytest.raises(InputError, match=f"^--teacher {file}: expected {message}") as caught:
        Teacher.of(file).model(RECIPE, source)
    assert "\n" not in str(caught.value)


def test_an_image_of_any_size_is_taken(source, tmp_path):
    network((None, None, 3)).save(tmp_path / "teacher.keras")
    assert not Teacher.of(tmp_path / "teacher.keras").model(RECIPE, source).trainable_weights


def test_no_file_and_no_keras_file(source, tmp_path):
    with pytest.raises(InputError, match=r"--teacher .*none.keras: cannot be read: No such file"):
        Teacher.of(tmp_path / "none.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"--teacher .*broken.keras: not a .keras file"):
        Teacher.of(tmp_path / "broken.keras").model(RECIPE, source)
