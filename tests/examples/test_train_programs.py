"""The paper's two recipes as a user runs them."""

import csv
import importlib.util
from types import SimpleNamespace

import keras
import pytest
import train_cifar
from recipe import program
from recipe.lost_workers import WorkerLost
from support.examples import assert_refused, run_example

import keras_finet

PROGRAMS = ("train_imagenet", "train_cifar")


# train_cifar: recipe/deployment/test_program.py
def test_smoke(tmp_path):
    process = run_example(
        *("train_imagenet", "--smoke", "--model", "finet_small", "--no-deploy", "--out", tmp_path)
    )
    assert process.returncode == 0, process.stderr
    assert "48 images to train on, 24 to evaluate on, 3 classes" in process.stdout
    assert "3/3" in process.stdout
    assert process.stdout.splitlines()[-1].startswith("top-1 ")
    assert process.stderr == ""
    (row,) = csv.DictReader((tmp_path / "epochs.csv").read_text().splitlines())
    assert {"loss", "top1", "top5", "val_top1", "val_top5", "images_per_second"} <= set(row)
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert model.output_shape == (None, 3)
    fine = [each for each in model.layers if isinstance(each, keras_finet.FineGrainedBatchNorm)]
    assert len(fine) == 32  # two in each of sixteen blocks
    assert list((tmp_path / "tensorboard").iterdir())


def test_the_recipe_of_another_paper(tmp_path):
    process = run_example(
        *("train_cifar", "--smoke", "--recipe", "mimic_norm", "--model", "finet_small"),
        *("--no-deploy", "--out", tmp_path),
    )
    assert process.returncode == 0, process.stderr
    model = keras.saving.load_model(tmp_path / "model.keras")
    centred = [
        each.kernel.numpy()
        for each in model.layers
        if isinstance(getattr(each, "kernel_constraint", None), keras_finet.layers.ZeroMean)
    ]
    assert len(centred) == 1 + 2 * 16
    for kernel in centred:
        assert abs(kernel.mean((0, 1, 2))).max() < 1e-6 < kernel.std()


def test_a_loss_that_is_no_number_is_exit_code_1(tmp_path):
    process = run_example(
        *("train_cifar", "--smoke", "--model", "finet_small", "--out", tmp_path),
        *("--learning-rate", "1000000", "--checkpoint-steps", "1"),
    )
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert line.startswith("train_cifar: the loss is nan in epoch 1, step ")
    assert f"the last good checkpoint is {tmp_path / 'checkpoint.npz'}" in line
    assert line.endswith("another --out with a smaller --learning-rate or with --warmup-epochs.")
    assert not (tmp_path / "model.keras").exists()


def test_headings_tell_how_far_a_run_is(tmp_path):
    process = run_example(
        *("train_cifar", "--smoke", "--model", "finet_small", "--epochs", 3, "--no-deploy"),
        *("--out", tmp_path),
    )
    assert process.returncode == 0, process.stderr
    headings = [line for line in process.stdout.splitlines() if line.startswith("Epoch ")]
    assert headings == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
    assert len((tmp_path / "epochs.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("theano", "KERAS_BACKEND: expected one of tensorflow, jax, torch, got theano"),
        ("jax", "KERAS_BACKEND: jax is not installed. Install it with: pip install jax"),
    ],
)
@pytest.mark.parametrize("program", [*PROGRAMS, "deploy_checkpoint", "benchmark_recipe"])
def test_a_backend_that_there_is_not_is_one_line(program, name, message, tmp_path, monkeypatch):
    if name == "jax" and importlib.util.find_spec("jax") is not None:
        pytest.skip("jax is installed")
    monkeypatch.setenv("KERAS_BACKEND", name)
    out = ["--out", tmp_path] if program in PROGRAMS else []
    file = [tmp_path / "model.keras"] if program == "deploy_checkpoint" else []
    process = run_example(program, *file, "--smoke", *out)
    assert_refused(process, program, message)


def test_ctrl_c_is_exit_code_130(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("recipe.program.open_source", interrupted)
    monkeypatch.setattr("sys.argv", ["train_cifar.py", "--out", str(tmp_path)])
    assert train_cifar.main() == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("train_cifar: interrupted. The same command goes on from the last")


@pytest.mark.parametrize("is_chief", [True, False])
def test_a_finished_deployment_needs_no_other_worker(is_chief, monkeypatch):
    """A worker that waits for it does need the first one."""

    def wait():
        raise WorkerLost("another worker has stopped")

    monkeypatch.setattr("recipe.deployment.trained.deploy_trained", lambda result, name: "card")
    monkeypatch.setattr("recipe.deployment.reporting.report", lambda card, file: 0)
    spread = SimpleNamespace(is_chief=is_chief, name="two workers", wait=wait)
    result = SimpleNamespace(file="model.keras")
    if is_chief:
        assert program._deploy(result, spread) == 0
        return
    with pytest.raises(WorkerLost):
        program._deploy(result, spread)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(program):
    process = run_example(program, "--help")
    assert process.returncode == 0
    assert "--channels-per-group" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["--groups", "2", "--channels-per-group", "4"], ["expected one of them, got both"]),
        (["--model", "mnasnet"], ["mnasnet has no stem for small images"]),
        (["--model", "wide_resnet", "--groups", "2"], ["wide_resnet has no fine-grained"]),
        (["--dataset", "cifar10", "--data-dir", "."], ["not prepared", "tfds build cifar10"]),
        (["--strategy", "multiworker"], ["expected TF_CONFIG with the addresses of all workers"]),
        (["--dataset", "no/such/folder"], ["no/such/folder: expected a folder", "train and val"]),
    ],
)
def test_mistakes(arguments, fragments, tmp_path):
    process = run_example("train_cifar", *arguments, "--out", tmp_path)
    assert_refused(process, "train_cifar: ", *fragments)
