"""The report: what a row says, and that it fits a page."""

import dataclasses
import json

import matplotlib.figure
import pytest
from command_line import InputError
from normalization_comparison import picture, report
from normalization_comparison.statistics import rows
from normalization_comparison.variants import VARIANTS
from support.full_disk import full_disk


@pytest.fixture
def comparison(setting, make_run):
    top1 = {"bn": (0.70, 0.72, 0.71), "g4": (0.75, 0.74, 0.76)}
    runs = [
        make_run(variant, seed, value, step_mib=10.0)
        for variant, values in top1.items()
        for seed, value in enumerate(values)
    ]
    return report.Comparison(setting, runs)


def test_cells_of_a_row(comparison):
    bn, g4 = map(report.cells, comparison.rows)
    assert bn == ["BN", "71.00 ± 1.00", "70.00", "–", "–", "1.00", "1.00", "3"]
    # Differences 5, 2, 5: mean 4, standard error 1, t = 4 with 2 degrees of freedom.
    assert g4 == [
        "FBN G=4",
        "75.00 ± 1.00",
        "74.00",
        "+4.00 [-0.30, +8.30]",
        "0.057",
        "1.00",
        "1.00",
        "3",
    ]


def test_one_seed_has_no_spread_and_no_difference(make_run):
    only = rows([make_run("bn", 0, 0.5), make_run("g2", 0, 0.6)])
    assert report.cells(only[1])[:5] == ["FBN G=2", "60.00", "60.00", "–", "–"]


def test_markdown_and_json_say_the_same(comparison, tmp_path):
    text = report.markdown([comparison])
    (line,) = (line for line in text.splitlines() if line.startswith("| FBN G=4"))
    assert [cell.strip() for cell in line.strip("|").split("|")] == report.cells(comparison.rows[1])
    assert "On a processor; keras 3.15." in text
    report.write_json(tmp_path / "results.json", [comparison])
    (written,) = json.loads((tmp_path / "results.json").read_text())
    assert written["rows"][1]["difference"]["mean"] == pytest.approx(4)
    assert written["setting"]["epochs"] == 2


def test_the_table_fits_a_terminal_of_110_columns(comparison, capsys):
    report.print_table(comparison)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 110
    assert "+4.00 [-0.30, +8.30]" in printed


def test_curves_of_all_variants_differ_and_the_legend_covers_none(
    setting, make_run, monkeypatch, tmp_path
):
    drawn = []
    own = matplotlib.figure.Figure.savefig

    def save(figure, *arguments, **options):
        own(figure, *arguments, **options)
        drawn.append(figure)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", save)
    runs = [make_run(variant, 0, 0.5) for variant in VARIANTS]
    picture.write_picture(tmp_path / "curves.png", [report.Comparison(setting, runs)])
    curves = drawn[0].axes[0]
    looks = {(line.get_color(), line.get_linestyle()) for line in curves.lines}
    assert len(looks) == len(VARIANTS)
    legend = curves.get_legend().get_window_extent()
    assert not any(legend.overlaps(axes.get_window_extent()) for axes in drawn[0].axes)


def test_differences_without_spread_have_no_interval(setting, make_run, tmp_path):
    runs = [make_run(variant, seed, 0.5) for variant in ("bn", "g4") for seed in (0, 1)]
    comparison = report.Comparison(setting, runs)
    assert report.cells(comparison.rows[1])[3:5] == ["+0.00", "–"]
    picture.write_picture(tmp_path / "curves.png", [comparison])
    report.write_json(tmp_path / "results.json", [comparison])
    (written,) = json.loads((tmp_path / "results.json").read_text())
    assert written["rows"][1]["difference"]["p"] is None


def test_runs_of_other_versions_are_told(comparison, capsys):
    report.print_table(comparison)
    assert "Not all runs" not in capsys.readouterr().out
    other = dataclasses.replace(comparison.runs[0], versions={"keras": "3.0"})
    report.print_table(dataclasses.replace(comparison, runs=[other, *comparison.runs[1:]]))
    said = " ".join(capsys.readouterr().out.split())
    assert "Not all runs are of one machine and of the same versions" in said
    assert "keras 3.0, keras 3.15" in said


@pytest.mark.parametrize("write", [report.write_json, picture.write_picture])
def test_a_full_disk_keeps_the_last_report(write, comparison, tmp_path):
    file = tmp_path / "results"
    file.write_text("old")
    with full_disk(100), pytest.raises(InputError, match="results: cannot be written: File too"):
        write(file, [comparison])
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
