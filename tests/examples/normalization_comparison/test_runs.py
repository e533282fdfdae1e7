"""Records of runs: back as they were written, and refused where they are of something else."""

import dataclasses

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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"setting": {}}', '{"seed": 1}'])
def test_a_damaged_record_is_named(tmp_path, setting, text):
    file = runs.run_file(tmp_path, setting, "bn", 0)
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(InputError, match=r"bn_seed0\.json: is not the record of a run .*Delete it"):
        runs.read(tmp_path, setting, ["bn"], [0])
