import re

import pytest
import recipe_cost
import tensorflow as tf
from support.examples import assert_refused, run_example


def test_a_smoke_run_compares_steps_and_images():
    process = run_example("benchmark_recipe", "--smoke", "--recipe", "cifar")
    assert process.returncode == 0, process.stderr
    rows = re.findall(r"^\| ([a-z].*?) \| (.*?) \| ([\d.,]+) \| ([\d.,]+) \|", process.stdout, re.M)
    assert [row[:2] for row in rows] == [
        ("steps with FBN, G=4", "steps with BN"),
        ("making their images", "steps with FBN, G=4"),
    ]
    assert all(float(speed.replace(",", "")) > 0 for row in rows for speed in row[2:])
    assert process.stderr == ""


def test_images_are_made_for_as_many_steps_as_are_taken(monkeypatch):
    taken = []

    def batches(source, recipe, epoch):
        return tf.data.Dataset.range(10).map(lambda n: tf.py_function(note, [n], tf.int64))

    def note(number):
        taken.append(int(number))
        return number

    monkeypatch.setattr(recipe_cost, "training_batches", batches)
    recipe_cost.making(None, None, 3)()
    assert taken == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "mnasnet"], "mnasnet has no fine-grained"),
        (["--groups", 999], "finet_small: Expected `groups` of which a multiple divides"),
    ],
)
def test_mistakes(options, message):
    process = run_example("benchmark_recipe", *options, "--smoke")
    assert_refused(process, "benchmark_recipe: ", message)
