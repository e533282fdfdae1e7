"""A run that is killed and taken up again ends as one that is not: the same weights, bit by bit.

Real processes are killed, each at a moment that it has told us.
"""

import csv
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from recipe.settings import Recipe
from support.programs import ROOT, program_environment
from support.recipe_data import write_folder
from support.train_tiny import TINY, TINY_REACTNET, tiny_network

PROGRAM = ROOT / "tests" / "support" / "train_tiny.py"
# 21 training images in batches of 4: five steps in each of three epochs, with checkpoints after the
# third and at the end.
CHECKPOINTS = "checkpoint_steps=3"
AT_4 = ("wait_at=4",)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("uninterrupted")
    process = start(data, out)
    steps, _ = process.communicate()
    assert (process.returncode, steps.count("step")) == (0, 15)
    return out


def start(data, out, *settings):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(data), str(out), CHECKPOINTS, *settings],
        env=program_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_when_it_waits(process):
    """Returns the number of steps that the process took."""
    lines = []
    for line in process.stdout:
        if line == "waiting\n":
            process.kill()
            break
        lines.append(line)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return len(lines)


def state(out):
    with np.load(out / "checkpoint.npz") as stored:
        return {name: stored[name] for name in stored.files if name != "header"}


def assert_same_end(out, expected, epochs=3):
    found, wanted = state(out), state(expected)
    assert len(found) > 20
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    rows, wanted_rows = (
        [
            {name: text for name, text in row.items() if name != "images_per_second"}
            for row in csv.DictReader((each / "epochs.csv").read_text().splitlines())
        ]
        for each in (out, expected)
    )
    assert rows == wanted_rows
    assert len(rows) == epochs


def test_killed_in_an_epoch_in_validation_and_in_a_write(data, uninterrupted, tmp_path):
    assert kill_when_it_waits(start(data, tmp_path, "wait_at=4")) == 4
    # Steps 4 and 5 again, from the checkpoint after step 3.
    assert kill_when_it_waits(start(data, tmp_path, "wait_in_validation=1")) == 2
    # The first write is that at the end of the epoch, the second that in step 3 of the next.
    process = start(data, tmp_path, "kill_in_write=2")
    steps, _ = process.communicate()
    assert (process.returncode, steps.count("step")) == (-signal.SIGKILL, 2 + 2)
    assert list(tmp_path.glob(".checkpoint*"))
    process = start(data, tmp_path)
    steps, _ = process.communicate()
    assert (process.returncode, steps.count("step")) == (0, 10)
    assert not list(tmp_path.glob(".*"))
    assert_same_end(tmp_path, uninterrupted)


def test_a_full_disk_is_one_line_and_the_last_checkpoint_is_kept(data, uninterrupted, tmp_path):
    process = start(data, tmp_path, "full_disk_at=4")
    _, errors = process.communicate()
    assert process.returncode == 2
    assert_one_line(errors, "TensorBoard's events cannot be written: ", "File too large")
    # On from the checkpoint after step 3: the disk is full after step 7, step 8 wants to write.
    process = start(data, tmp_path, "full_disk_at=4")
    _, errors = process.communicate()
    assert process.returncode == 2
    assert_one_line(
        errors,
        f"{tmp_path / 'checkpoint.npz'}: cannot be written: File too large. "
        "The last one is kept: make room and run the same command again.",
    )
    assert not list(tmp_path.glob(".*"))
    process = start(data, tmp_path)
    steps, _ = process.communicate()
    assert (process.returncode, steps.count("step")) == (0, 10)
    assert_same_end(tmp_path, uninterrupted)


def assert_one_line(errors, *fragments):
    """The line that a program prints, not counting what TensorFlow logs at exit."""
    (line,) = [line for line in errors.splitlines() if fragments[-1] in line and "[" not in line]
    for fragment in fragments:
        assert fragment in line
    assert "Traceback" not in errors


def test_a_finished_run_is_not_trained_again(data, uninterrupted):
    before = state(uninterrupted)
    (uninterrupted / "model.keras").unlink()
    process = start(data, uninterrupted)
    steps, _ = process.communicate()
    assert (process.returncode, steps) == (0, "")
    assert (uninterrupted / "model.keras").exists()
    assert all((state(uninterrupted)[name] == value).all() for name, value in before.items())


def test_killed_in_each_of_two_steps(data, tmp_path):
    """Of a binary network with a teacher, an epoch each: the optimizer's state is Adam's."""
    recipe = Recipe(dataset="", **{**TINY, **TINY_REACTNET})
    teacher = tmp_path / "teacher.keras"
    tiny_network(recipe, 3, "softmax").save(teacher)
    given = {**TINY_REACTNET, "epochs": 1, "teacher": str(teacher)}
    settings = [f"{name}={json.dumps(value)}" for name, value in given.items()]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    processes = [start(data, out, *settings, *wait) for out, wait in ((whole, ()), (parts, AT_4))]
    assert kill_when_it_waits(processes[1]) - 1 == 4
    # On after step 3, the last two steps, and four of the second step.
    assert kill_when_it_waits(start(data, parts, *settings, "wait_at=6")) - 3 == 2 + 4
    process = start(data, parts, *settings)
    printed, errors = process.communicate()
    assert (process.returncode, printed.count("step ")) == (0, 2), errors
    printed, errors = processes[0].communicate()
    assert (processes[0].returncode, printed.count("step ")) == (0, 10), errors
    assert_same_end(parts, whole, epochs=1)
    assert_same_end(parts / "first_step", whole / "first_step", epochs=1)
