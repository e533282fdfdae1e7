"""The paper's rows as its text has them, and settings that do not go together."""

import dataclasses

import pytest
from command_line import InputError
from recipe.binarization import first_step
from recipe.papers import cifar, imagenet
from recipe.settings import MODELS, Recipe

import keras_finet


def test_imagenet_is_section_5_1():
    recipe = imagenet()
    assert (recipe.dataset, recipe.image_size, recipe.stem) == ("imagenet2012", 224, "imagenet")
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (320, 512, 0.2)
    assert (recipe.momentum, recipe.weight_decay, recipe.dropout) == (0.9, 4e-5, 0.2)
    assert recipe.drops == ()
    assert recipe.augmentation == "random_resized_crop"


@pytest.mark.parametrize(
    ("model", "batch_size"),
    [("finet_large", 128), ("finet_small", 128), ("resnet18", 64), ("resnet50", 64)],
)
def test_cifar_is_section_5_3(model, batch_size):
    recipe = cifar(model=model, dataset="cifar100")
    assert (recipe.dataset, recipe.image_size, recipe.stem) == ("cifar100", 32, "cifar")
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (200, batch_size, 0.1)
    assert (recipe.momentum, recipe.weight_decay, recipe.dropout) == (0.9, 5e-4, 0.2)
    assert recipe.drops == (100, 150)
    assert recipe.augmentation == "pad_and_crop"


def test_shifted_relu_is_arxiv_1907_06916():
    recipe = cifar("shifted_relu")
    assert (recipe.dataset, recipe.model) == ("cifar10", "wide_resnet")
    assert recipe.normalization == "shifted_relu"
    assert (recipe.epochs, recipe.batch_size, recipe.momentum) == (300, 125, 0.9)
    assert (recipe.learning_rate, recipe.cosine_to, recipe.drops) == (0.1, 1e-5, ())
    assert recipe.weight_decay == 2 * 2.5e-4
    assert recipe.augmentation == "shift_and_cut_out"


def test_mimic_norm_is_its_papers():
    small, large = cifar("mimic_norm"), imagenet("mimic_norm")
    assert (small.dataset, small.model) == ("cifar100", "resnet18")
    assert (large.dataset, large.model) == ("imagenet2012", "resnet50")
    assert small.normalization == large.normalization == "mimic_norm"
    assert (small.epochs, small.batch_size, small.drops) == (150, 256, (80, 110, 135))
    assert (small.learning_rate, small.weight_decay, small.warmup_epochs) == (0.1, 5e-4, 2)
    assert (large.epochs, large.batch_size, large.drops) == (90, 256, (30, 60, 85))
    assert (large.learning_rate, large.weight_decay, large.warmup_epochs) == (0.1, 1e-4, 0)
    assert cifar("mimic_norm", model="resnet50").batch_size == 256


def test_reactnet_is_arxiv_2104_08215():
    small, large = cifar("reactnet"), imagenet("reactnet")
    assert (small.dataset, small.model) == ("cifar10", "reactnet18")
    assert (large.dataset, large.model) == ("imagenet2012", "reactnet_a")
    for recipe in (small, large):
        assert recipe.normalization == "bn_free"
        assert (recipe.epochs, recipe.batch_size, recipe.optimizer) == (256, 256, "adam")
        assert (recipe.learning_rate, recipe.drops, recipe.cosine_to) == (5e-4, (), None)
        assert (recipe.first_step_decay, recipe.weight_decay) == (1e-5, 0.0)
        assert (recipe.clip_factor, recipe.warmup_epochs) == (0.02, 0)
        first = first_step(recipe)
        assert (first.binary_weights, first.weight_decay) == (False, 1e-5)
        assert first == dataclasses.replace(
            recipe, binary_weights=False, weight_decay=1e-5, first_step_decay=None
        )
    # Gradients are clipped where nothing is normalised.
    assert cifar("reactnet", normalization="batch_norm").clip_factor is None
    assert cifar("reactnet", normalization="batch_norm", clip_factor=0.1).clip_factor == 0.1


def test_a_recipe_that_a_paper_does_not_have():
    with pytest.raises(InputError, match=r"shifted_relu has none .* one of fbn, mimic_norm, re"):
        imagenet("shifted_relu")


@pytest.mark.parametrize("recipe", [imagenet(), cifar()])
def test_what_the_paper_does_not_have_is_off(recipe):
    assert (recipe.warmup_epochs, recipe.label_smoothing) == (0, 0.0)
    assert (recipe.mixed_precision, recipe.ema) == (None, None)


def test_every_builder_of_the_package_has_a_name():
    assert {builder for builder, _ in MODELS.values()} == set(keras_finet.list_models())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "vgg"}, "model: expected one of finet_large, .*, got vgg"),
        ({"groups": 2, "channels_per_group": 4}, "expected one of them, got both"),
        ({"model": "mnasnet", "groups": 2}, "groups: mnasnet has no fine-grained"),
        ({"model": "shufflenet_v2", "affine": False}, "affine: shufflenet_v2 has no fine-grained"),
        ({"model": "mnasnet", "normalization": "fbn"}, "normalization: mnasnet has no"),
        (
            {"normalization": "mimic_norm", "groups": 2},
            "groups, .*: expected none of them with the normalization mimic_norm",
        ),
        ({"normalization": "shifted_relu", "channels_per_group": 4}, "expected none of them with"),
        ({"normalization": "normalizer_free", "affine": False}, "expected none of them with"),
        ({"model": "resnet18", "depth": 20}, "depth: resnet18 has no depth .*choose wide_resnet"),
        (
            {"model": "reactnet18", "widths": (8, 16)},
            "widths: reactnet18 has no .*choose reactnet_a",
        ),
        ({"optimizer": "lamb"}, "optimizer: expected one of sgd, adam, got lamb"),
        (
            {"first_step_decay": 1e-5},
            "first step decay: finet_large has no binary weights to be trained in two steps. Leave "
            "that option out, or choose reactnet18 or reactnet_a",
        ),
        (
            {"model": "wide_resnet", "binary_weights": True},
            "binary weights: wide_resnet has no binary weights to be trained in two steps",
        ),
        (
            {"clip_factor": 0.02, "ema": 0.9, "mixed_precision": "float16"},
            "expected no moving average in float16 with clipped gradients",
        ),
        ({"model": "wide_resnet", "groups": 2}, "groups: wide_resnet has no"),
        (
            {"model": "resnet18", "squeeze_excite": False},
            "squeeze excite: resnet18 has no squeeze-excite .*choose a Finet",
        ),
        (
            {"epochs": 1, "warmup_epochs": 5},
            "warm-up: expected at most the 1 epochs of the run, got 5",
        ),
        ({"model": "mnasnet", "stem": "cifar"}, "mnasnet has no stem for small images"),
    ],
)
def test_what_does_not_go_together(settings, message):
    with pytest.raises(InputError, match=message):
        Recipe(dataset="cifar10", **settings)
