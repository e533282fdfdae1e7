"""The paper's tables beside ours, against the paper's text as it stands there."""

import json
from decimal import Decimal

import pytest
import reproduce_tables
from paper_tables import complexities, formats, layers
from paper_tables.comparison import PaperTable, Row, number, text
from support.examples import assert_refused, run_example
from support.full_disk import full_disk

# Rows: FLOPs and parameters of the small networks, then of the large ones, in millions.
TABLE_2 = """
baseline (BN)	42.6	2.388	61.710	301.8	4.434	71.256
Finet (FBN,G=2)	42.6	2.392	62.988	301.8	4.448	72.410
Finet (FBN,G=4)	42.6	2.402	63.338	301.8	4.477	72.746
baseline+SE (BN)	43.0	2.809	64.632	303.2	5.812	72.790
Finet+SE (FBN,G=2)	43.0	2.813	65.322	303.2	5.827	73.642
Finet+SE (FBN,G=4)	43.0	2.827	65.706	303.2	5.855	73.786
ShuffleNetV2	41	1.4	60.3	299	3.5	72.6
MobileNetV2	43	1.66	58.2	300	3.4	72.0
MobileNetV3	44	2.0	65.4	219	5.4	75.2
MnasNet	-	-	-	312	3.9	75.2
"""
TABLE_1 = """
Image	224x224				3	3
Conv1	112x112	3x3	2	1	24	24
MaxPool	56x56	3x3	2
Stage2	28x28		2	1	30	100
	28x28		1	3
Stage3	14x14		2	1	60	200
	14x14		1	7
Stage4	7x7		2	1	120	400
	7x7		1	3
Conv5	7x7	1x1	1	1	1024	1024
GlobalPool	1x1	7x7		1	1024	1024
FC1	1x1			1	1024	1024
FC2	1x1			1	1000	1000
"""


def lines(paper):
    return [line.split("\t") for line in paper.strip("\n").splitlines()]


def printed_table_2():
    figures = {}
    for name, *cells in lines(TABLE_2):
        for size, (flops, parameters) in {"Small": cells[:2], "Large": cells[3:5]}.items():
            if flops != "-":
                figures[name, size] = flops, parameters
    return figures


def figures_of(row):
    return {name: tuple(figure.values()) for name, figure in row["figures"].items()}


def test_table_2_holds_what_the_paper_prints():
    ours = {
        (network.name, network.size): (network.flops, network.parameters)
        for network in complexities.NETWORKS
    }
    assert ours == printed_table_2()
    assert len(complexities.NETWORKS) == len(ours) == 19


def test_smoke_run_as_json():
    process = run_example("reproduce_tables", "--table", 2, "--smoke", "--format", "json")
    assert process.returncode == 0, process.stderr
    assert process.stderr == "", "noise reached the terminal"
    finet, shufflenet = json.loads(process.stdout)["rows"]
    assert finet["labels"] == ["Finet+SE (FBN,G=4)", "Small"]
    # 43,058,848 without the classifier's 1,024,000; 2,823,668: cut off, not rounded.
    assert figures_of(finet) == {
        "FLOPs": ("43.0", "43.058848", "0"),
        "parameters": ("2.827", "2.823668", "-0.004"),
    }
    assert "does not follow: 2.823 is computed" in finet["remark"]
    # With the classifier, rounded.
    assert figures_of(shufflenet) == {
        "FLOPs": ("41", "40.476448", "-1"),
        "parameters": ("1.4", "1.366792", "0"),
    }
    assert shufflenet["remark"]


@pytest.mark.parametrize(
    ("name", "size", "macs", "parameters"),
    # Of TF-slim's list and the MobileNetV3 paper's Table 3: within 2.5 %.
    [
        ("MobileNetV2", "Small", 43, 1.66),
        ("MobileNetV3", "Small", 44, 2.0),
        ("MobileNetV3", "Large", 219, 5.4),
    ],
)
def test_networks_of_keras_applications_are_those_that_are_meant(name, size, macs, parameters):
    (network,) = (n for n in complexities.NETWORKS if (n.name, n.size) == (name, size))
    figures = complexities.counted(network).figures
    assert float(figures["FLOPs"].computed) == pytest.approx(macs, rel=0.025)
    assert float(figures["parameters"].computed) == pytest.approx(parameters, rel=0.025)


def test_every_network_that_differs_says_what_it_is():
    """The paper's own rows follow, but for one; of the others some do not."""
    own = [network for network in complexities.NETWORKS if network.is_finet]
    assert [network.parameters for network in own if network.remark] == ["2.827"]
    assert all(network.remark for network in complexities.NETWORKS if not network.is_finet)


def test_table_1_is_the_papers():
    table = layers.table(smoke=True)
    got = [[figure.printed for figure in row.figures.values()] for row in table.rows]
    assert got == [(cells + 6 * [""])[:6] for _, *cells in lines(TABLE_1)]
    names = [row.labels[0].removesuffix(", first") for row in table.rows]
    printed = [name for name, *_ in lines(TABLE_1)]
    assert [name for name in names if not name.endswith(", rest")] == list(filter(None, printed))
    # Computed and printed are the same wherever the paper prints something.
    for row, printed in zip(table.rows, got, strict=True):
        computed = [figure.computed for figure in row.figures.values()]
        assert [c for c, p in zip(computed, printed, strict=True) if p] == [p for p in printed if p]
    stage = table.rows[3].figures
    assert stage["kernel"].computed == "3x3"


def test_cut_off_or_rounded():
    assert number("2.809", Decimal("2.809999"), cut_off=True).difference == "0"
    assert number("2.809", Decimal("2.809999"), cut_off=False).difference == "+0.001"
    assert number("300", Decimal("298.5"), cut_off=False).difference == "-1"
    assert number("300", Decimal("298.5"), cut_off=True).difference == "-2"


@pytest.fixture
def table():
    near = number("1.0", Decimal("1.26"), cut_off=True), number("2", Decimal(2), cut_off=True)
    rows = [Row(("a|b", "Small"), dict(zip(("FLOPs", "parameters"), near, strict=True)), "odd")]
    return PaperTable("Table 9", ("network", "size"), rows, ("A note.",), has_differences=True)


def test_markdown(table):
    heading, rule, row = (
        line for line in formats.as_markdown(table).splitlines() if line.startswith("|")
    )
    assert heading == (
        "| network | size | FLOPs, paper | here | difference | parameters, paper | here | "
        "difference |"
    )
    assert rule == "|---|---|--:|--:|--:|--:|--:|--:|"
    assert row == "| a\\|b | Small | 1.0 | 1.26 | +0.2 | 2 | 2 | 0 |"
    assert "\nA note.\n" in formats.as_markdown(table)
    assert "- a|b Small: odd.\n- 1 of the paper's 2 figures here follow.\n" in (
        formats.as_markdown(table)
    )


def test_words_that_differ_are_marked():
    figures = {"size": text("7x7", "8x8"), "kernel": text("", "3x3"), "stride": text("2", "2")}
    printed = {name: text("5x5", "5x5") for name in figures}
    rows = [Row(("a",), figures), Row(("b",), printed)]
    words = PaperTable("T", ("layer",), rows, (), has_differences=False)
    assert formats.cells(words, words.rows[0]) == ["a", "7x7", "≠ 8x8", "–", "3x3", "2", "2"]
    assert formats.remarks(words) == ["4 of the paper's 5 figures here follow."]


def test_default_is_a_table_for_the_terminal(table):
    drawn = formats.FORMATS["table"](table)
    assert max(map(len, drawn.splitlines())) <= 120
    for piece in ("Table 9", "a|b", "+0.2", "A note.", "odd."):
        assert piece in drawn


def test_table_1_goes_to_a_file_as_markdown(tmp_path):
    out = tmp_path / "deep" / "table.md"
    process = run_example(*("reproduce_tables", "--table", 1, "--format", "markdown", "--out", out))
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == f"Table 1 is in {out}\n"
    assert "| Conv1 | 112x112 | 112x112 | 3x3 | 3x3 | 2 | 2 | 1 | 1 | 24 | 24 | 24 | 24 |" in (
        out.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ([], "required: --table"),
        (["--table", "3"], "--table: invalid choice: 3"),
        (["--table", "1", "--format", "xml"], "--format: invalid choice: 'xml'"),
    ],
)
def test_bad_use_is_refused(arguments, fragment):
    assert_refused(run_example("reproduce_tables", *arguments), "reproduce_tables", fragment)


def test_a_folder_in_the_way_is_refused(tmp_path):
    process = run_example("reproduce_tables", "--table", 1, "--out", tmp_path)
    assert_refused(process, "reproduce_tables", f"{tmp_path.name} is a folder")


def main_with(table, monkeypatch, *arguments):
    """The exit code, with `table` in place of what computes Table 1."""
    monkeypatch.setattr("paper_tables.layers.table", table)
    monkeypatch.setattr("sys.argv", ["reproduce_tables.py", "--table", "1", *map(str, arguments)])
    return reproduce_tables.main()


def test_a_row_that_failed_is_exit_code_1(monkeypatch, capsys):
    notes = ("a note",)
    failed = PaperTable("", (), [Row((), {})], notes, has_differences=False, failed=("a row",))
    assert main_with(lambda smoke: failed, monkeypatch) == 1
    assert "a note" in capsys.readouterr().out


def test_ctrl_c_is_exit_code_130(monkeypatch, capsys):
    def interrupted(smoke):
        raise KeyboardInterrupt

    assert main_with(interrupted, monkeypatch) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("reproduce_tables: interrupted. ")


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, capsys):
    out = tmp_path / "table.md"
    out.write_text("old")
    with full_disk(100):
        code = main_with(layers.table, monkeypatch, "--format", "markdown", "--out", out)
    assert code == 2
    assert f"{out}: cannot be written: File too large." in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
