"""Figures of fused files on disk, and their table."""

import json

import pytest
from command_line import InputError
from normalization_comparison import deployed, deployment_table
from normalization_comparison.deployed import Deployed, Deployment

ROWS = (
    Deployed("bn", {"SOFTMAX": 1, "CONV_2D": 20}, 2_000_400, None, 0.5, 1.0, (1.0, 1.0)),
    Deployed("shifted_relu", {"MAXIMUM": 3}, 3_000_000, 1_234_567, 0.75, 1.5, (1.25, 1.625)),
)
DEPLOYMENT = Deployment("a processor", 7, ROWS)


def test_what_is_written_is_read(setting, tmp_path):
    assert deployed.read(tmp_path, setting, ["bn"]) is None
    deployed.write(tmp_path, setting, DEPLOYMENT)
    assert deployed.read(tmp_path, setting, ["shifted_relu", "bn"]) == DEPLOYMENT
    assert deployed.read(tmp_path, setting, ["shifted_relu"]).rows == ROWS[1:]
    assert deployed.read(tmp_path, setting, ["g4"]) is None
    assert [file.name for file in (tmp_path / setting.folder).iterdir()] == ["deployed.json"]


@pytest.mark.parametrize("content", ["[", "[]", '{"rows": [{"variant": "bn"}]}', '{"rows": 3}'])
def test_a_damaged_record_is_one_clear_line(setting, tmp_path, content):
    deployed.write(tmp_path, setting, DEPLOYMENT)
    (tmp_path / setting.folder / "deployed.json").write_text(content)
    with pytest.raises(InputError, match=r"deployed.json: is no record .*Delete it and run"):
        deployed.read(tmp_path, setting, ["bn"])


@pytest.mark.parametrize(
    "changes", [{"ratio": 0}, {"ops": []}, {"size_bytes": "large"}, {"ratio_spread": [1.0]}]
)
def test_figures_that_cannot_be_measured_are_one_clear_line(setting, tmp_path, changes):
    deployed.write(tmp_path, setting, DEPLOYMENT)
    file = tmp_path / setting.folder / "deployed.json"
    content = json.loads(file.read_text())
    content["rows"][0] |= changes
    file.write_text(json.dumps(content))
    with pytest.raises(
        InputError, match=rf"deployed.json: is no record .*its {next(iter(changes))}"
    ):
        deployed.read(tmp_path, setting, ["bn"])


def test_table():
    lines = deployment_table.markdown(DEPLOYMENT)
    assert lines[3:5] == [
        "| BN | 2,000 | – | 0.50 | 1.00 [1.00, 1.00] | 20 CONV_2D, 1 SOFTMAX |",
        "| Shifted ReLU, 1-bit weights | 3,000 | 1,235 | 0.75 | 1.50 [1.25, 1.62] | 3 MAXIMUM |",
    ]
    assert "a processor, 7 rounds" in lines[-1]


def test_table_in_the_terminal(capsys):
    deployment_table.print_table(DEPLOYMENT)
    printed = capsys.readouterr().out
    assert "1.50 [1.25, 1.62]" in printed
    assert "ms / BN [quartiles]" in printed
