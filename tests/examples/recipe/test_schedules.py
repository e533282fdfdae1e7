"""Learning rates at the steps where they change."""

import math

import keras
import pytest
from recipe.papers import cifar, imagenet
from recipe.schedules import schedule

STEPS = 7  # in an epoch


def rate(recipe, epoch, step=0):
    return float(schedule(recipe, STEPS)(epoch * STEPS + step))


def test_imagenet_falls_linearly_to_0_over_320_epochs():
    recipe = imagenet()
    assert rate(recipe, 0) == pytest.approx(0.2, rel=1e-6)
    assert rate(recipe, 80) == pytest.approx(0.15, rel=1e-6)
    assert rate(recipe, 160) == pytest.approx(0.1, rel=1e-6)
    assert rate(recipe, 319, STEPS - 1) == pytest.approx(0.2 / (320 * STEPS), rel=1e-3)
    assert rate(recipe, 320) == 0.0


@pytest.mark.parametrize(
    ("epoch", "step", "expected"),
    [
        (0, 0, 0.1),
        (99, STEPS - 1, 0.1),
        (100, 0, 0.01),
        (149, STEPS - 1, 0.01),
        (150, 0, 0.001),
        (199, STEPS - 1, 0.001),
    ],
)
def test_cifar_drops_with_the_first_step_of_epochs_100_and_150(epoch, step, expected):
    assert rate(cifar(), epoch, step) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("epoch", "step", "expected"),
    [
        (0, 0, 0.1 / (2 * STEPS)),
        (1, STEPS - 1, 0.1),
        (79, STEPS - 1, 0.1),
        (80, 0, 0.01),
        (109, STEPS - 1, 0.01),
        (110, 0, 0.001),
        (134, STEPS - 1, 0.001),
        (135, 0, 0.0001),
        (149, STEPS - 1, 0.0001),
    ],
)
def test_mimic_norm_warms_up_and_drops_three_times(epoch, step, expected):
    assert rate(cifar("mimic_norm"), epoch, step) == pytest.approx(expected, rel=1e-6)


def test_reactnet_falls_linearly_to_0_over_256_epochs():
    for recipe in (cifar("reactnet"), imagenet("reactnet")):
        assert rate(recipe, 0) == pytest.approx(5e-4, rel=1e-6)
        assert rate(recipe, 192) == pytest.approx(1.25e-4, rel=1e-6)
        assert rate(recipe, 256) == 0.0


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_shifted_relu_falls_along_one_cosine(share):
    expected = 1e-5 + (0.1 - 1e-5) * (1 + math.cos(math.pi * share)) / 2
    found = rate(cifar("shifted_relu"), round(300 * share))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-8)


def test_drops_move_with_the_number_of_epochs():
    recipe = cifar(epochs=20)
    assert recipe.drops == (10, 15)
    assert rate(recipe, 9, STEPS - 1) == pytest.approx(0.1, rel=1e-6)
    assert rate(recipe, 10) == pytest.approx(0.01, rel=1e-6)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_few_epochs_have_all_rates(epochs):
    """A half, a quarter and a quarter of all steps, as in the paper's 200 epochs."""
    recipe = cifar(epochs=epochs)
    rates = [rate(recipe, 0, step) for step in range(epochs * STEPS)]
    count = epochs * STEPS
    first, second = math.ceil(count / 2), math.ceil(3 * count / 4)
    expected = [0.1] * first + [0.01] * (second - first) + [0.001] * (count - second)
    assert rates == pytest.approx(expected, rel=1e-6)


def test_a_warm_up_moves_with_the_number_of_epochs():
    assert cifar("mimic_norm", epochs=75).warmup_epochs == 1
    short = cifar("mimic_norm", epochs=15)  # 0.2 epochs are 1.4 steps
    assert rate(short, 0, 0) == pytest.approx(0.05, rel=1e-6)
    assert rate(short, 0, 1) == pytest.approx(0.1, rel=1e-6)
    assert cifar("mimic_norm", epochs=15, warmup_epochs=2).warmup_epochs == 2


def test_a_single_step_has_the_first_rate():
    assert float(schedule(cifar(epochs=1), 1)(0)) == pytest.approx(0.1, rel=1e-6)


def test_a_warm_up_rises_to_the_schedule_and_leaves_it_alone_afterwards():
    plain, warm = cifar(), cifar(warmup_epochs=2)
    assert rate(warm, 0) == pytest.approx(0.1 / (2 * STEPS), rel=1e-6)
    assert rate(warm, 1) == pytest.approx(0.1 * (STEPS + 1) / (2 * STEPS), rel=1e-6)
    for epoch, step in [(1, STEPS - 1), (2, 0), (100, 0), (150, 0)]:
        assert rate(warm, epoch, step) == rate(plain, epoch, step)


def test_a_warm_up_is_made_again_from_its_configuration():
    warm = schedule(imagenet(warmup_epochs=1), STEPS)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(warm))
    assert [float(again(step)) for step in range(9)] == [float(warm(step)) for step in range(9)]
