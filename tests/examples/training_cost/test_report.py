"""From the workers' answers to the tables."""

import json

import pytest
from command_line import InputError
from PIL import Image
from support.full_disk import full_disk
from training_cost import machine, report
from training_cost.picture import write_picture
from training_cost.plan import comparison
from training_cost.results import Result, rows_of, spread

COSTS = {
    "bn": {"memory_bytes": 200 * 2**20, "flops": 4e9},
    "g2": {"memory_bytes": 150 * 2**20, "flops": 5e9},
    "g4": {"failed": "ResourceExhaustedError: [1] | 2"},
    "g8": {"memory_bytes": 100 * 2**20, "flops": 6e9},
    "fused": {"not_available": "no such kernel"},
    "paper": {"memory_bytes": None, "flops": None},
}
TIMES = {
    "samples": {
        "bn": {"wall_ms": [10.0, 20.0, 40.0], "cpu_ms": [20.0, 40.0, 80.0]},
        "g2": {"wall_ms": [11.0, 18.0, 60.0], "cpu_ms": [20.0, 60.0, 160.0]},
        "paper": {"wall_ms": [3e5, 6e5, 12e5], "cpu_ms": [6e5, 12e5, 24e5]},
    },
    "failed": {"g8": "it went away"},
}
REMARKS = [
    "FBN G=4: failed: ResourceExhaustedError: [1] | 2.",
    "FBN G=8: failed: it went away.",
    "BN, fused kernel: not available: no such kernel.",
    "FBN G=4, the paper's construction: this system does not let a process measure its peak "
    "memory.",
    "FBN G=4, the paper's construction: the framework cannot count its operations.",
]


@pytest.fixture
def result():
    common = comparison("jax", "float32", "ResNet18", side=224, batch=16, rounds=3)
    return Result(common, rows_of(COSTS, TIMES), {"version": "1.2.3", "gpu": None})


def test_ratios_are_those_of_the_rounds():
    """Ratios 1.1, 0.9, 1.5: not those of medians (0.9) or means (1.27)."""
    samples = TIMES["samples"]
    ratio = spread(samples["g2"]["wall_ms"], samples["bn"]["wall_ms"])
    assert [ratio.median, ratio.lower, ratio.upper] == pytest.approx([1.1, 1.0, 1.3])


def test_cells(result):
    rows = {row.variant: report.cells(row)[1:] for row in result.rows}
    unit = "1.00 [1.00–1.00]"
    assert rows["BN"] == ["20.0", unit, unit, "200.0", "1.00", "4.00", "1.00"]
    assert rows["FBN G=2"] == [
        "18.0",
        "1.50 [1.25–1.75]",
        "1.10 [1.00–1.30]",
        "150.0",
        "0.75",
        "5.00",
        "1.25",
    ]
    assert rows["FBN G=4"] == rows["BN, fused kernel"] == ["–"] * 7
    assert rows["FBN G=8"] == ["–", "–", "–", "100.0", "0.50", "6.00", "1.50"]
    assert rows["FBN G=4, the paper's construction"][3:] == ["–"] * 4


def test_what_is_missing_is_explained_and_only_errors_are_failures(result):
    assert report.remarks(result.rows) == REMARKS
    assert [row.variant for row in result.rows if row.failed] == ["FBN G=4", "FBN G=8"]


def test_without_a_baseline_there_are_no_ratios():
    costs = {"bn": {"failed": "out of memory"}, "g2": COSTS["g2"]}
    samples = {"g2": TIMES["samples"]["g2"]}
    _, row = rows_of(costs, {"samples": samples, "failed": {}})
    assert row.wall_ms == 18.0
    assert row.wall_ratio is row.cpu_ratio is row.memory_ratio is row.flop_ratio is None


def test_printed_table(result, capsys):
    report.print_table(result)
    printed = capsys.readouterr().out
    assert "ResNet18, 32×32, batch 32, float32, jax 1.2.3, CPU" in printed
    for row in result.rows:
        line = next(line for line in printed.splitlines() if line.startswith(f"│ {row.variant} "))
        assert [cell.strip() for cell in line.split("│")[1:-1]] == report.cells(row)
    joined = " ".join(printed.split())  # a remark wraps at the table's width
    for remark in REMARKS:
        assert remark in joined


def test_markdown_table(result):
    text = report.markdown([result], {"cpu": "A chip", "cores": 2})
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert "Measured on cpu A chip, cores 2." in text
    assert "## ResNet18, 32×32, batch 32, float32, jax 1.2.3, CPU" in text
    assert table[3] == (
        "| FBN G=2 | 18.0 | 1.50 [1.25–1.75] | 1.10 [1.00–1.30] | 150.0 | 0.75 | 5.00 | 1.25 |"
    )
    assert {line.count("|") for line in table} == {9}
    assert len(table) == 2 + len(COSTS)
    for remark in REMARKS:
        assert remark in text


def test_the_gpu_is_named(result):
    assert report.heading(Result(result.comparison, [], {"gpu": "A card"})).endswith("jax, A card")


def test_json_has_every_sample(result, tmp_path):
    report.write_json(tmp_path / "results.json", [result], {"cores": 2}, {"out": tmp_path})
    record = json.loads((tmp_path / "results.json").read_text())
    assert record["machine"] == {"cores": 2}
    assert record["options"] == {"out": str(tmp_path)}
    (written,) = record["results"]
    assert written["comparison"]["batch"] == 32
    assert written["rows"][1]["samples"] == TIMES["samples"]["g2"]
    assert written["rows"][1]["cpu_ratio"] == {"median": 1.5, "lower": 1.25, "upper": 1.75}


def test_picture(result, tmp_path):
    write_picture(tmp_path / "results.png", [result, result])
    with Image.open(tmp_path / "results.png") as picture:
        assert min(picture.size) > 400


def test_the_processor_is_named(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Chip 9 @ 2 GHz\nmodel name\t: Chip 9\n")
    assert machine.cpu_name(cpuinfo) == "Chip 9 @ 2 GHz"
    assert machine.cpu_name(tmp_path / "missing")
    assert machine.core_count() >= 1


def test_a_full_disk_leaves_the_earlier_results_whole(tmp_path, result):
    path = tmp_path / "results.json"
    report.write_json(path, [], {}, {})
    before = path.read_bytes()
    with full_disk(100), pytest.raises(InputError, match=r"results\.json: cannot be written"):
        report.write_json(path, [result], {}, {})
    assert [path] == list(tmp_path.iterdir())
    assert path.read_bytes() == before
