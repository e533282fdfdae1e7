"""From the command line to the recipe, without Keras."""

import subprocess
import sys

import pytest
from command_line import InputError
from recipe.options import read_options
from recipe.papers import cifar, imagenet
from support.programs import program_environment


def read(*arguments, make_recipe=cifar, default_out="out/x"):
    return read_options("", make_recipe, default_out, arguments)


@pytest.mark.parametrize("make_recipe", [cifar, imagenet])
def test_without_options_it_is_the_papers_recipe(make_recipe):
    options = read(make_recipe=make_recipe)
    assert options.recipe == make_recipe()
    assert (options.weights, options.data_dir, options.smoke) == (None, None, False)
    assert (options.skip_unreadable, options.own_data) == (False, False)


def test_every_option_arrives():
    given = (
        "--dataset cifar100 --data-dir /data --skip-unreadable --model resnet18 --groups 2 "
        "--no-affine --weights w.h5 --epochs 100 --batch-size 32 --learning-rate 0.3 --seed 7 "
        "--warmup-epochs 5 --mixed-precision bfloat16 --ema 0.999 "
        "--clip-factor 0.01 --teacher t.keras --out there --checkpoint-steps 50"
    )
    options = read(*given.split())
    assert options.recipe == cifar(
        dataset="cifar100",
        model="resnet18",
        groups=2,
        affine=False,
        epochs=100,
        drops=(50, 75),
        batch_size=32,
        learning_rate=0.3,
        seed=7,
        warmup_epochs=5,
        clip_factor=0.01,
        mixed_precision="bfloat16",
        ema=0.999,
    )
    paths = (options.data_dir, options.weights, options.teacher, options.out)
    assert list(map(str, paths)) == ["/data", "w.h5", "t.keras", "there"]
    assert (options.skip_unreadable, options.own_data, options.checkpoint_steps) == (True, True, 50)


@pytest.mark.parametrize("make_recipe", [cifar, imagenet])
def test_another_papers_recipe(make_recipe):
    recipe = read("--recipe", "mimic_norm", "--seed", "3", make_recipe=make_recipe).recipe
    assert recipe == make_recipe("mimic_norm", seed=3)
    recipe = read("--model", "finet_small", "--normalization", "shifted_relu").recipe
    assert recipe == cifar(model="finet_small", normalization="shifted_relu")


def test_groups_by_channels_and_no_squeeze_excite():
    recipe = read("--channels-per-group", "20", "--no-squeeze-excite").recipe
    assert (recipe.groups, recipe.channels_per_group, recipe.squeeze_excite) == (None, 20, False)


def test_smoke_is_small_unless_told_otherwise():
    recipe = read("--smoke", make_recipe=imagenet).recipe
    assert (recipe.epochs, recipe.image_size, recipe.batch_size) == (1, 32, 16)
    assert (recipe.train_limit, recipe.evaluation_limit) == (48, 24)
    assert (recipe.learning_rate, recipe.weight_decay) == (0.2, 4e-5)
    recipe = read("--smoke", "--epochs", "4", "--batch-size", "8").recipe
    assert (recipe.epochs, recipe.batch_size, recipe.drops) == (4, 8, (2, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--groups", "0"], "expected a whole number from 1 to 1000, got 0"),
        (["--learning-rate", "fast"], "expected a number from 0.0 to 1000000.0, got fast"),
        (["--learning-rate", "nan"], "expected a number from 0.0 to 1000000.0, got nan"),
        (["--ema", "2"], "expected a number from 0.0 to 1.0, got 2"),
        (["--model", "vgg"], "invalid choice: 'vgg'"),
    ],
)
def test_what_cannot_be_read(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        read(*arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--groups 2 --channels-per-group 10", "expected one of them, got both"),
        ("--teacher t.keras --label-smoothing 0.1", "with a teacher no label is in the loss"),
        ("--first-step f.keras", "this recipe has one step. .* choose --recipe reactnet"),
        (
            "--recipe reactnet --first-step f.keras --weights w.keras",
            "expected one of them, got both: the second step starts",
        ),
        (
            "--recipe reactnet --model finet_large",
            "finet_large has no binary weights to be trained in two steps.*choose reactnet18",
        ),
    ],
)
def test_options_that_do_not_go_together(arguments, message):
    with pytest.raises(InputError, match=message):
        read(*arguments.split())


def test_what_only_one_recipe_or_network_has():
    options = read("--recipe", "reactnet", "--first-step", "f.keras", "--label-smoothing", "0.1")
    assert (str(options.first_step), options.recipe.label_smoothing) == ("f.keras", 0.1)
    recipe = read("--recipe", "shifted_relu", "--depth", "8", "--width", "2").recipe
    assert recipe == cifar("shifted_relu", depth=8, width=2)
    recipe = read("--recipe", "reactnet", "--model", "reactnet_a", "--widths", "8", "16").recipe
    assert recipe == cifar("reactnet", model="reactnet_a", widths=(8, 16))
    assert recipe.as_json()["widths"] == [8, 16]


def test_reading_them_imports_neither_keras_nor_tensorflow():
    program = (
        "import sys; from recipe.program import run_program; "
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        env=program_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "set()\n"
