"""The same seed means the same kernels, dropout, order and shifts, whatever the variant."""

import dataclasses

import keras
import numpy as np
import pytest
from normalization_comparison.batches import PlannedBatches, epoch_plan
from normalization_comparison.networks import build, parameters
from normalization_comparison.variants import BASELINE, VARIANTS


def starts(setting, variant, seed):
    """Kernels and the states of the dropouts, in order."""
    model = build(setting, variant, 62, seed)
    kernels = [each for each in model.trainable_variables if "kernel" in each.name]
    states = [each for each in model.non_trainable_variables if "seed" in each.name]
    assert (len(kernels), len(states)) == (1 + 3 * 16 + 3, 2)
    return [keras.ops.convert_to_numpy(each) for each in kernels + states]


def test_kernels_and_dropout(setting):
    expected = starts(setting, BASELINE, 11)
    for variant in ("g4", "g8_plain"):
        found = starts(setting, variant, 11)
        assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True)), variant
    other = starts(setting, BASELINE, 12)
    assert not any(np.array_equal(*pair) for pair in zip(other, expected, strict=True))


@pytest.mark.parametrize("variant", ["bn", "bn_plain", "g4_plain"])
def test_variants_are_what_their_titles_say(setting, variant):
    model = build(setting, variant, 62, 0)
    (groups,) = {model.get_layer(f"stage2_block{block}_pointwise2").groups for block in (1, 4)}
    asked = VARIANTS[variant].arguments["groups"]
    assert groups == (6 if asked == 4 else asked)  # 30 channels by 4
    affine = VARIANTS[variant].arguments.get("affine", True)
    assert (model.get_layer("stage2_block1_pointwise1").gamma is not None) == affine
    assert "no affine" in VARIANTS[variant].title or affine
    assert parameters(model) == sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_every_epoch_has_each_image_once_at_most(setting):
    chosen, corners = epoch_plan(setting, 0, 0)
    assert chosen.shape == (5, 16)
    assert corners.shape == (5, 16, 2)
    assert len(set(chosen.ravel())) == 80
    assert set(chosen.ravel()) < set(range(90))
    assert set(corners.ravel()) == set(range(7))


def test_seeds_and_epochs_have_orders_of_their_own(setting):
    plans = {
        (seed, epoch): epoch_plan(setting, seed, epoch)[0] for seed in (0, 1) for epoch in (0, 1)
    }
    assert len({plan.tobytes() for plan in plans.values()}) == 4
    again, _ = epoch_plan(dataclasses.replace(setting, model="finet_large"), 0, 1)
    assert np.array_equal(again, plans[0, 1])


def test_batches_are_cut_from_the_padded_images(setting):
    images = np.arange(90 * 38 * 38 * 3, dtype=np.float32).reshape(90, 38, 38, 3)
    labels = np.arange(90)
    plan = epoch_plan(setting, 2, 1)
    batches = PlannedBatches(images, labels, plan, image_size=32)
    assert len(batches) == 5
    found, of_them = batches[3]
    assert np.array_equal(of_them, plan[0][3])
    for image, which, (top, left) in zip(found, plan[0][3], plan[1][3], strict=True):
        assert np.array_equal(image, images[which, top : top + 32, left : left + 32])
