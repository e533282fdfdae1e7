"""Tables 5, 6 and 7: the paper's figures, their recipes, and rows that are trained once."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest
from command_line import InputError
from paper_tables import accuracies, formats
from paper_tables.accuracy_cells import cells
from recipe.building import build_model
from recipe.papers import cifar
from reproduce_tables import parse_options
from support.examples import assert_refused, run_example

from keras_finet import FineGrainedBatchNorm

# As they stand in the paper's text.
TABLE_5 = """
	G=1	G=2	G=4	G=6	G=8
CIFAR-10	with affine	92.584	93.082	93.532	93.286	93.674
	without affine	91.958	93.162	92.478	92.564	93.430
CIFAR-100	with affine	75.624	76.752	76.856	76.716	77.202
	without affine	74.216	74.382	74.486	74.772	74.734
"""
TABLE_6 = """
	C/G=20	C/G=50	C/G=100
CIFAR-10	93.470	93.606	93.122
CIFAR-100	76.926	76.850	75.674
"""
TABLE_7 = """
	G=1	G=2	G=4
CIFAR-10	ResNet18	94.512	95.012	94.962
	ResNet50	94.644	95.040	-
CIFAR-100	ResNet18	76.866	77.754	77.726
	ResNet50	77.796	78.122	-
"""


def printed(text, settings):
    """Every accuracy by data set, setting and groups; `settings`: whether they have a column."""
    head, *lines = (line.split("\t") for line in text.strip("\n").splitlines())
    found, dataset = {}, ""
    for line in lines:
        dataset = line[0] or dataset
        setting, figures = (line[1], line[2:]) if settings else ("with affine", line[1:])
        for groups, figure in zip(head[1:], figures, strict=True):
            if figure != "-":
                found[dataset, setting, groups] = figure
    return found


@pytest.mark.parametrize(
    ("table", "text", "count"), [(5, TABLE_5, 20), (6, TABLE_6, 6), (7, TABLE_7, 10)]
)
def test_every_accuracy_is_the_papers(table, text, count):
    ours = {cell.labels: cell.printed for cell in cells(table)}
    assert ours == printed(text, settings=table != 6)
    assert len(ours) == count == len({cell.name for cell in cells(table)})


def test_recipes_are_those_of_section_5_3():
    for table in (5, 6, 7):
        for cell in cells(table):
            recipe = cell.recipe
            assert (recipe.epochs, recipe.drops, recipe.weight_decay) == (200, (100, 150), 5e-4)
            assert recipe.batch_size == (64 if table == 7 else 128)
            assert recipe.model == (cell.name.split("/")[1] if table == 7 else "finet_large")
            split = recipe.channels_per_group if table == 6 else recipe.groups
            assert cell.labels[2].endswith(f"G={split}")
            assert recipe.affine == (cell.labels[1] != "without affine")
            assert {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}[recipe.dataset] == cell.labels[
                0
            ]


def test_the_groups_that_finets_layers_get_are_told():
    """Beside Table 5, as G = 6 and 8 are nearly the same network."""
    note = accuracies.SPLITS[5]
    for groups, counts, said in (
        (4, {4: 32}, "G=4 has 4 groups in all"),
        (6, {6: 1, 8: 23, 10: 8}, "G=6 has 6 in one, 8 in 23 and 10 in 8"),
        (8, {8: 24, 10: 8}, "G=8 has 8 in 24 and 10 in 8"),
    ):
        model = build_model(cifar(groups=groups), 10, None)
        layers = [each for each in model.layers if isinstance(each, FineGrainedBatchNorm)]
        assert Counter(each.moving_variance.shape[0] for each in layers) == counts
        assert said in note


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """Where a CIFAR-10 of 1,000 training and 100 test images would be."""

    def open_source(recipe, *, data_dir):
        assert data_dir == tmp_path / "data"
        return SimpleNamespace(
            train_size=recipe.train_limit or 1000, evaluation_size=recipe.evaluation_limit or 100
        )

    monkeypatch.setattr("paper_tables.accuracy_runs.open_source", open_source)
    monkeypatch.setattr("paper_tables.accuracy_runs.TRAINING_IMAGES", 1000)
    monkeypatch.setattr("paper_tables.accuracy_runs.EVALUATION_IMAGES", 100)
    return tmp_path / "data"


@pytest.fixture
def trained(monkeypatch):
    """The recipes that were trained; instead of training, they get an accuracy by their groups."""
    recipes = []

    def train(recipe, source, folder, **options):
        recipes.append(recipe)
        return SimpleNamespace(top1=0.9 + recipe.groups / 1000 + recipe.seed / 100)

    monkeypatch.setattr("paper_tables.accuracy_runs.train", train)
    return recipes


def table_5(folder, data_dir, *rows, **changes):
    options = {"smoke": False, "budget": 0.25, "seeds": [0], **changes}
    return accuracies.table(5, results=folder, rows=rows, data_dir=data_dir, **options)


def figures(table):
    return {
        "/".join(row.labels): tuple(vars(figure).values())
        for row in table.rows
        for figure in row.figures.values()
        if figure.computed
    }


def test_only_what_is_missing_is_trained(tmp_path, data_dir, trained, capsys):
    first = table_5(tmp_path, data_dir, "cifar10/affine/G=[12]")
    assert [(recipe.groups, recipe.affine) for recipe in trained] == [(1, True), (2, True)]
    again = table_5(tmp_path, data_dir, "cifar10/affine/*")
    assert [recipe.groups for recipe in trained] == [1, 2, 4, 6, 8]
    shown = table_5(tmp_path, data_dir)
    assert len(trained) == 5
    assert len(figures(first)) == 2
    assert figures(shown) == figures(again)
    assert figures(shown)["CIFAR-10/with affine/G=4"] == ("93.532", "90.400", "")
    assert len(shown.rows) == 20
    assert "cifar10/affine/G=8, seed 0: 50 epochs on 250 images" in capsys.readouterr().err


def test_a_budget_scales_epochs_and_data_and_is_in_the_table(tmp_path, data_dir, trained):
    table = table_5(tmp_path, data_dir, "cifar10/affine/G=2")
    (recipe,) = trained
    assert (recipe.epochs, recipe.drops) == (50, (25, 37.5))
    assert (recipe.train_limit, recipe.evaluation_limit) == (250, 25)
    text = formats.as_markdown(table)
    assert "A TRIAL, NOT THE PAPER'S RECIPE: budget 0.25" in text
    assert "50 of 200 epochs on 250 images, measured on 25." in text
    assert "| CIFAR-10 | with affine | G=2 | 93.082 | 90.200 | – |" in text
    assert "| CIFAR-10 | with affine | G=4 | 93.532 | – | – |" in text
    assert "here follow" not in text


def test_a_small_budget_still_fills_a_batch(tmp_path, data_dir, trained):
    table_5(tmp_path, data_dir, "cifar10/affine/G=2", budget=1e-3)
    assert (trained[0].epochs, trained[0].train_limit) == (1, 128)


def test_the_whole_recipe_is_compared_with_the_paper(tmp_path, data_dir, trained):
    table = table_5(tmp_path, data_dir, "cifar10/affine/G=2", budget=1.0, seeds=[0, 1])
    assert (trained[0].epochs, trained[0].train_limit) == (200, None)
    assert [recipe.seed for recipe in trained] == [0, 1]
    assert figures(table) == {"CIFAR-10/with affine/G=2": ("93.082", "90.700", "-2.382")}
    assert "TRIAL" not in table.title
    (row,) = (row for row in table.rows if row.remark)
    assert row.remark == "mean of 2 seeds, standard deviation 0.707"


def test_a_result_of_another_recipe_or_a_damaged_one_is_refused(tmp_path, data_dir, trained):
    table_5(tmp_path, data_dir, "cifar10/affine/G=2")
    (file,) = tmp_path.rglob("result.json")
    content = json.loads(file.read_text())
    content["recipe"]["weight_decay"] = 0.1
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="of another recipe, which differs in weight decay"):
        table_5(tmp_path, data_dir)
    file.write_text("{")
    with pytest.raises(InputError, match=r"cannot be read .* Remove it to train that row again"):
        table_5(tmp_path, data_dir)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top1": 7.0}, "its top1 cannot be 7.0"),
        ({"top1": float("nan")}, "its top1 cannot be nan"),
        ({"top1": None}, "its top1 cannot be None"),
        ({"top1": True}, "its top1 cannot be True"),
        ({"epochs": "many"}, "its epochs cannot be many"),
        ({"training_images": 0}, "its training_images cannot be 0"),
        ({"recipe": None}, "its recipe cannot be None"),
        ({"recipe": []}, r"its recipe cannot be \[\]"),
        ({"epochs": 49}, "of another recipe, which differs in epochs"),
        ({"training_images": 251}, "of another recipe, which differs in training images"),
        ({"evaluation_images": 24}, "of another recipe, which differs in evaluation images"),
    ],
)
def test_what_cannot_be_a_result_is_one_line(changes, message, tmp_path, data_dir, trained):
    table_5(tmp_path, data_dir, "cifar10/affine/G=2")
    (file,) = tmp_path.rglob("result.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(InputError, match=rf"result.json: .*{message}.*Remove it") as caught:
        table_5(tmp_path, data_dir)
    assert "\n" not in str(caught.value)


def test_limits_of_a_result_are_those_of_the_budget(tmp_path, data_dir, trained):
    """Not those that the result itself tells."""
    table_5(tmp_path, data_dir, "cifar10/affine/G=2")
    (file,) = tmp_path.rglob("result.json")
    content = json.loads(file.read_text())
    content["recipe"]["train_limit"] = content["training_images"] = 5
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="differs in train limit, training images"):
        table_5(tmp_path, data_dir)


@pytest.mark.parametrize("budget", [1.0, 0.25])
def test_other_data_of_that_name_are_refused(budget, tmp_path, data_dir, trained, monkeypatch):
    monkeypatch.setattr("paper_tables.accuracy_runs.TRAINING_IMAGES", 50_000)
    said = "cifar10: expected CIFAR-10's 50,000 images .* got 1,000 and 100. Prepare it again"
    with pytest.raises(InputError, match=said):
        table_5(tmp_path, data_dir, "cifar10/affine/G=2", budget=budget)
    assert trained == []


def test_advice_names_options_that_there_are(tmp_path, data_dir, monkeypatch):
    given = {}

    def train(recipe, source, folder, **options):
        given.update(options)
        return SimpleNamespace(top1=0.5)

    monkeypatch.setattr("paper_tables.accuracy_runs.train", train)
    table_5(tmp_path, data_dir, "cifar10/affine/G=2")
    assert given["option"] == "--results"


def test_a_seed_that_is_named_twice_counts_once(monkeypatch):
    arguments = ["reproduce_tables", "--table", "5", "--seeds", "3", "0", "3"]
    monkeypatch.setattr("sys.argv", arguments)
    assert parse_options().seeds == [3, 0]


def test_training_that_fails_leaves_a_blank(tmp_path, data_dir, monkeypatch, capsys):
    from recipe.watching import TrainingStopped

    def train(recipe, source, folder, **options):
        raise TrainingStopped("the loss is nan")

    monkeypatch.setattr("paper_tables.accuracy_runs.train", train)
    table = table_5(tmp_path, data_dir, "cifar10/affine/G=2")
    assert figures(table) == {}
    assert table.failed == ("cifar10/affine/G=2, seed 0",)
    assert (
        "cifar10/affine/G=2, seed 0: the loss is nan The row stays empty" in capsys.readouterr().err
    )
    assert not list(tmp_path.rglob("result.json"))


def test_smoke_twice(tmp_path):
    arguments = ("--table", 7, "--smoke", "--format", "json", "--results", tmp_path)
    first = run_example("reproduce_tables", *arguments)
    assert first.returncode == 0, first.stderr
    assert first.stderr == "cifar10/resnet18/G=1, seed 0: 1 epochs on 48 images ...\n"
    table = json.loads(first.stdout)
    assert "A TRIAL, NOT THE PAPER'S RECIPE: smoke" in table["title"]
    row, *others = table["rows"]
    assert 0 <= float(row["figures"]["top-1"]["computed"]) <= 100
    assert "1 of 200 epochs on 48 images, measured on 24" in row["remark"]
    assert not any(each["figures"]["top-1"]["computed"] for each in others)
    again = run_example("reproduce_tables", *arguments)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", first.stdout)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--budget", "0"], "--budget: expected a number above 0 and at most 1, got 0"),
        (["--budget", "much"], "--budget: expected a number above 0"),
        (["--rows", "cifar10/G=3"], "--rows cifar10/G=3: expected a pattern of cifar10/affine/G=1"),
        (["--data-dir", "."], "not prepared"),
    ],
)
def test_bad_use_is_refused(arguments, fragment, tmp_path):
    process = run_example(
        "reproduce_tables", "--table", 5, *arguments, "--results", tmp_path / "results"
    )
    assert_refused(process, "reproduce_tables", fragment)
