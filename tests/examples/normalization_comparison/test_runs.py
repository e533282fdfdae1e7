"""Records of runs: back as they were written, and refused where they are of something else."""

import dataclasses
import json
import math

import pytest
from command_line import InputError
from normalization_comparison import runs
from support.full_disk import full_disk


def test_runs_come_back_as_they_were(tmp_path, setting, make_run):
    written = [make_run("bn", 3, 0.4), make_run("g4", 3, 0.6, step_mib=7.5)]
    for run in written:
        runs.write(tmp_path, run)
    assert runs.read(tmp_path, setting, ["bn", "g2", "g4"], [0, 3]) == written
    assert runs.read(tmp_path, setting, ["g4"], [0]) == []
    assert len(list(tmp_path.rglob("*"))) == 3, "nothing unfinished is left"


def test_a_full_disk_is_one_line_and_leaves_no_half_of_a_file(tmp_path, make_run):
    with (
        full_disk(100),
        pytest.raises(InputError, match=r"seed0\.json: cannot be written: File too"),
    ):
        runs.write(tmp_path, make_run())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_other_settings_have_other_folders(tmp_path, setting, make_run):
    runs.write(tmp_path, make_run())
    for change in ({"epochs": 3}, {"train_images": 80}, {"backend": "jax"}):
        assert not runs.read(tmp_path, dataclasses.replace(setting, **change), ["bn"], [0])


def test_a_run_of_another_recipe_is_refused(tmp_path, setting, make_run):
    runs.write(tmp_path, make_run())
    with pytest.raises(InputError, match="was trained otherwise"):
        runs.read(tmp_path, dataclasses.replace(setting, learning_rate=0.2), ["bn"], [0])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"top1": []}, r"top1 cannot be \[\]"),
        ({"top1": None}, "top1 cannot be None"),
        ({"top1": [0.1, "x"]}, "top1 cannot be"),
        ({"top1": [0.1, float("nan")]}, "top1 cannot be"),
        ({"top1": [0.1, 5.0]}, "top1 cannot be"),
        ({"top1": [0.1, True]}, "top1 cannot be"),
        ({"top1": [0.1, 0.2, 0.3]}, "top1 cannot be"),
        ({"loss": [1.0]}, "loss cannot be"),
        ({"images_per_second": 0}, "images_per_second cannot be 0"),
        ({"step_mib": -1.0}, "step_mib cannot be -1.0"),
        ({"versions": None}, "versions cannot be None"),
        ({"images_sha256": 3}, "images_sha256 cannot be 3"),
        ({"parameters": "many"}, "parameters cannot be many"),
        ({"variant": "g4"}, "variant cannot be g4"),
        ({"seed": 7}, "seed cannot be 7"),
    ],
)
def test_what_no_training_yields_is_refused(changes, named, tmp_path, setting, make_run):
    runs.write(tmp_path, make_run())
    file = runs.run_file(tmp_path, setting, "bn", 0)
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(InputError, match=rf"bn_seed0\.json: .*its {named}.*Delete it") as caught:
        runs.read(tmp_path, setting, ["bn"], [0])
    assert "\n" not in str(caught.value)


def test_a_loss_that_was_no_number_is_a_result(tmp_path, setting, make_run):
    runs.write(tmp_path, make_run(loss=[math.nan, math.inf]))
    (run,) = runs.read(tmp_path, setting, ["bn"], [0])
    assert math.isnan(run.loss[0])


def test_runs_of_other_images_are_not_compared(tmp_path, setting, make_run):
    runs.write(tmp_path, make_run())
    runs.write(tmp_path, make_run("g4", images_sha256="1"))
    assert len(runs.read(tmp_path, setting, ["g4"], [0])) == 1
    with pytest.raises(InputError, match=r"g4_seed0\.json: was trained on other images than"):
        runs.read(tmp_path, setting, ["bn", "g4"], [0])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"setting": {}}', '{"seed": 1}'])
def test_a_damaged_record_is_named(tmp_path, setting, text):
    file = runs.run_file(tmp_path, setting, "bn", 0)
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(InputError, match=r"bn_seed0\.json: is not the record of a run .*Delete it"):
        runs.read(tmp_path, setting, ["bn"], [0])
