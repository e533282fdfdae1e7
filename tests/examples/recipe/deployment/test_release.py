"""A card makes the entry with which `weights="imagenet"` finds the checkpoint."""

import hashlib
import inspect
import re

import numpy as np
import pytest
from command_line import InputError
from recipe.building import network_arguments
from recipe.deployment.release import released_entry, variant
from recipe.settings import MODELS, Recipe

import keras_finet
from keras_finet.applications.released import RELEASED, Checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    """A network for ImageNet and what is of interest here of its card."""
    recipe = Recipe("imagenet2012", model="finet_small", groups=2, squeeze_excite=False)
    arguments = network_arguments(recipe)
    model = keras_finet.FinetSmall(**arguments)
    file = tmp_path / "model.keras"
    model.save(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = {
        "name": "model",
        "passed": True,
        "network": {"name": "finet_small", "builder": "FinetSmall", "arguments": arguments},
        "data": {"name": "imagenet2012"},
        "commit": {"id": "0" * 40, "dirty": False},
        "artefacts": [
            {
                "file": "model.keras",
                "sha256": digest,
                "score": {"samples": 50_000, "top1": 0.62988},
            }
        ],
    }
    return model, file, card


def test_the_entry_finds_the_file(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    model, file, card = checkpoint
    entry = released_entry(card, tmp_path.as_uri())
    ((name, found),) = eval(f"{{\n{entry}}}", {"Checkpoint": Checkpoint}).items()
    assert found.top1 == 62.988
    assert re.fullmatch(r"finet_small_[0-9a-f]{8}\.keras", found.file_name)
    file.rename(tmp_path / found.file_name)
    monkeypatch.setitem(RELEASED, name, found)
    loaded = keras_finet.FinetSmall(weights="imagenet", groups=2, squeeze_excite=False)
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))
    with pytest.raises(ValueError, match="No ImageNet checkpoint of"):
        keras_finet.FinetSmall(weights="imagenet", groups=4, squeeze_excite=False)


@pytest.mark.parametrize("builder", sorted({builder for builder, _ in MODELS.values()}))
def test_variants_are_told_apart_by_what_weights_depend_on(builder):
    parameters = inspect.signature(getattr(keras_finet, builder)).parameters.values()
    own = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    chosen = {"normalization": "fbn"} if builder == "CifarVGG16" else {}
    plain = variant(builder, chosen)
    assert plain.startswith(f"{builder}(")
    missing = [name for name in own if f"{name}=" not in plain]
    assert set(missing) <= {"features", "dropout_rate"}
    assert variant(builder, {**chosen, "epsilon": 0.25}) == plain.replace(
        f"epsilon={own['epsilon']}", "epsilon=0.25"
    )


def test_what_has_been_released_is_not_released_again(checkpoint, monkeypatch):
    _, file, card = checkpoint
    name = variant("FinetSmall", card["network"]["arguments"])
    digest = card["artefacts"][0]["sha256"]
    found = Checkpoint("finet_small.keras", file.as_uri(), digest, 1.0)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(file.parent))
    monkeypatch.setitem(RELEASED, name, found)
    with pytest.raises(InputError, match=r"FinetSmall: .* released already"):
        released_entry(card, "https://example.org")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"passed": False}, "expected a card that passed"),
        ({"data": {"name": "cifar10"}}, "expected a network for imagenet2012, got cifar10"),
        ({"commit": None}, "a clean commit, .* got none"),
        ({"commit": {"id": "0" * 40, "dirty": True}}, "a clean commit"),
        (
            {"artefacts": [{"score": {"samples": 512, "top1": 1.0}}]},
            "on all 50,000 validation images, got 512",
        ),
    ],
)
def test_what_may_not_be_released(checkpoint, change, message):
    _, _, card = checkpoint
    with pytest.raises(InputError, match=message):
        released_entry({**card, **change}, "https://example.org")
