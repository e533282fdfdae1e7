"""The comparison of precisions as a user runs it, and the table that it ends with."""

import json

import pytest
from quantization_table import report
from quantization_table.measured import Row
from support.examples import assert_refused, run_example

PRECISIONS = ["float32", "float16", "dynamic int8", "int8, PTQ", "int8, QAT"]


def test_smoke_run(tmp_path):
    process = run_example("compare_quantization", "--smoke", "--seeds", 4, 5, "--out", tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stderr == "", "TensorFlow's noise reached the terminal"
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert [row["precision"] for row in rows] == PRECISIONS
    assert {(row["network"], row["seed"]) for row in rows} == {("FinetSmall", 4)}
    sizes = {row["precision"]: row["size_bytes"] for row in rows}
    stem = "FinetSmall_seed4_1epochs"
    for precision, name in zip(
        PRECISIONS, ("float32", "float16", "dynamic_int8", "int8", "int8_qat"), strict=True
    ):
        assert (tmp_path / f"{stem}_{name}.tflite").stat().st_size == sizes[precision]
    assert rows[0]["agreement"] == rows[0]["latency_ratio"] == 1
    assert rows[-1]["note"].split(",")[0] in ("ptq", "qat")
    for piece in (*PRECISIONS, "QAT loses"):
        assert piece in process.stdout
    assert (tmp_path / f"{stem}.keras").exists()


def rows_of(losses):
    """Rows of two seeds, in which QAT loses as much of float32's top-1 as `losses` say."""
    return [
        Row(network, seed, precision, 0.98 - (lost if precision == "int8, QAT" else 0), *others)
        for network, seeds in losses.items()
        for seed, lost in enumerate(seeds)
        for precision, *others in (
            ("float32", 1.0, 2**20, 1.0, 1.0),
            ("int8, QAT", 0.99, 2**19, 0.5, 0.45),
        )
    ]


@pytest.mark.parametrize(
    ("losses", "code"),
    [
        ({"a": (0.008, 0.001), "b": (-0.02, 0.0)}, 0),
        ({"a": (0.0, 0.0), "b": (0.02, 0.0)}, 1),
    ],
)
def test_the_goal_is_in_the_mean_of_every_network(losses, code, capsys):
    assert report.print_report(rows_of(losses), check=True) == code
    assert report.print_report(rows_of(losses), check=False) == 0
    printed = capsys.readouterr().out
    assert ("more than 0.5 percentage points" in printed) == bool(code)
    for network, lost in losses.items():
        mean, most = 100 * sum(lost) / 2, 100 * max(lost)
        assert f"{network}: QAT loses {mean:.2f} percentage points" in printed
        assert f"{most:.2f} at most" in printed


def test_the_table_fits_a_terminal(capsys):
    report.print_report(rows_of({"FinetSmall-SE": (0.003, 0.001)}), check=True)
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if "QAT loses" not in line]
    assert max(map(len, table)) <= 80
    (row,) = (line for line in lines if "int8, QAT" in line)
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    # The deviation of 97.7 and 97.9 is 0.2 / √2.
    assert cells == ["FinetSmall-SE", "int8, QAT", "97.80 ± 0.14", "99.00 ± 0.00", "512", "0.45"]


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--seeds", "-1"], "expected a whole number from 0"),
        (["--networks", "VGG"], "invalid choice: 'VGG'"),
        (["--qat-epochs", "0"], "expected a whole number from 1"),
    ],
)
def test_bad_use_is_refused(arguments, fragment):
    assert_refused(
        run_example("compare_quantization", *arguments), "compare_quantization", fragment
    )


def test_an_output_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("in the way")
    process = run_example("compare_quantization", "--out", tmp_path / "out")
    assert_refused(process, "compare_quantization", "cannot be made")
