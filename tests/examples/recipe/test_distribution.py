"""Two replicas against one with the whole batch, in processes of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from command_line import InputError
from keras.backend import backend
from recipe.distribution import check_shares, distribution
from recipe.even_batches import evenly_batched
from recipe.shares import Share
from recipe.strategies import check_places, check_strategy
from support.programs import ROOT

PROGRAM = ROOT / "tests/support/replicated_recipe.py"
SECONDS = 300
ON_TENSORFLOW = pytest.mark.skipif(backend() != "tensorflow", reason="tf.distribute's")
ON_EITHER = pytest.mark.skipif(backend() == "torch", reason="trains on one device")
ON_JAX = pytest.mark.skipif(backend() != "jax", reason="keras.distribution is jax's")


def started(folder, strategy, devices, cases, **environment):
    folder.mkdir(exist_ok=True)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), strategy, str(devices), str(folder), *cases],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(*processes):
    """What each has printed."""
    outputs = []
    try:
        for process in processes:
            output, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, output
            outputs.append(output)
    finally:
        for process in processes:
            process.kill()
    return outputs


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """The folder of the cases on one device."""
    folder = tmp_path_factory.mktemp("single")
    cases = ["engine"] if backend() == "jax" else ["engine", "sum", "apart"]
    finished(started(folder, "none", 1, cases))
    return folder


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirrored")
    finished(started(folder, "mirrored", 2, ["resumed", "sum", "apart", "divided"]))
    return folder


def errors(folder, single, case, reference=None):
    """The largest error of weights and of figures, relative to each array's largest value."""
    with (
        np.load(folder / f"{case}.npz") as ours,
        np.load(single / f"{reference or case}.npz") as one,
    ):
        assert ours["replicas"] == 2
        names = set(one.files) - {"replicas"}
        assert len(names) > 20
        found = {
            name: float(np.max(np.abs(ours[name] - one[name])) / np.max(np.abs(one[name])))
            for name in names
        }
    figures = [found.pop(name) for name in list(found) if name.startswith("figure")]
    return max(found.values()), max(figures)


@ON_TENSORFLOW
def test_mirrored_training_is_that_on_one_device(mirrored, single):
    """Weights, moving statistics and figures of two epochs with coupled weight decay.

    The mirrored run is stopped in the middle of an epoch and taken up again.
    """
    weights, figures = errors(mirrored, single, "resumed", "engine")
    assert weights < 1e-5
    assert figures < 1e-6


@ON_TENSORFLOW
def test_a_loss_that_is_a_sum(mirrored, single):
    assert max(errors(mirrored, single, "sum")) < 1e-5


@ON_TENSORFLOW
def test_without_synchronization_training_is_another(mirrored, single):
    """The measurement can fail: statistics of half a batch give other weights."""
    assert errors(mirrored, single, "apart")[0] > 1e-2


@ON_TENSORFLOW
def test_a_worker_divides_its_batches_among_its_replicas(mirrored):
    with np.load(mirrored / "divided.npz") as found:
        np.testing.assert_array_equal(found["figure divided"], np.arange(32).reshape(4, 2, 4))


@ON_TENSORFLOW
def test_two_worker_processes_train_as_one(single, tmp_path):
    """The first writes; the second, in the same folder, has the same weights and figures."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
    configurations = (
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(2)
    )
    workers = [
        started(tmp_path, "multiworker", 1, ["resumed", "sent"], TF_CONFIG=configuration)
        for configuration in configurations
    ]
    finished(*workers)
    weights, figures = errors(tmp_path, single, "resumed", "engine")
    assert weights < 1e-5
    assert figures < 1e-6
    assert sorted(path.name for path in (tmp_path / "run_resumed").iterdir()) == [
        *("checkpoint.npz", "epochs.csv", "model.keras", "tensorboard"),
    ]
    with np.load(tmp_path / "sent.npz") as counted:
        assert counted["figure sent"].tolist() == counted["figure said"].tolist()


@ON_JAX
def test_data_parallel_training_is_that_on_one_device(single, tmp_path):
    finished(started(tmp_path, "mirrored", 2, ["engine"]))
    weights, figures = errors(tmp_path, single, "engine")
    assert weights < 1e-5
    assert figures < 1e-6


@ON_JAX
def test_two_processes_of_jax_train_as_one(single, tmp_path):
    """Each feeds half of every batch. The first writes; the second's weights are the same."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    job = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": ",".join(addresses),
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    }
    folders = [tmp_path / "first", tmp_path / "second"]
    processes = [
        started(
            folder,
            "multiworker",
            1,
            ["engine", "awaited"],
            **job,
            KERAS_DISTRIBUTION_PROCESS_ID=str(index),
        )
        for index, folder in enumerate(folders)
    ]
    outputs = finished(*processes)
    for folder, output in zip(folders, outputs, strict=True):
        weights, figures = errors(folder, single, "engine")
        assert weights < 1e-5
        assert figures < 1e-6
        assert "ran out of data" not in output
    written, nothing = (list((folder / "run_engine").iterdir()) for folder in folders)
    assert folders[0] / "run_engine/model.keras" in written
    assert nothing == []


def pair(folder, case):
    """Two processes that train together, on either engine."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    for index in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        yield started(
            folder,
            "multiworker",
            1,
            [case],
            TF_CONFIG=json.dumps(task),
            KERAS_DISTRIBUTION_JOB_ADDRESSES=",".join(addresses),
            KERAS_DISTRIBUTION_NUM_PROCESSES="2",
            KERAS_DISTRIBUTION_PROCESS_ID=str(index),
        )


@ON_EITHER
@pytest.mark.parametrize("case", ["lost", "missed"])
def test_a_worker_that_is_killed_is_one_line_to_the_other(case, tmp_path):
    first, second = pair(tmp_path, case)
    (output,) = finished(first)
    assert "another worker has stopped or cannot be reached" in output
    assert "Traceback" not in output
    told, _ = second.communicate(timeout=SECONDS)
    assert second.returncode == -signal.SIGKILL, told


@ON_EITHER
@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("seeds", "expected all workers to have the same options and data sets, got others"),
        ("images", "the same images to train and to evaluate on, got 27 and 20, 27 and 21. Start"),
    ],
)
def test_workers_that_would_train_something_else_are_refused(case, said, tmp_path):
    for output in finished(*pair(tmp_path, case)):
        assert said in output
        assert "Traceback" not in output


def test_processes_that_find_other_checkpoints():
    check_places([(1, 5), (1, 5)])
    with pytest.raises(InputError, match="got one at epoch 2, step 5, epoch 1, step 0"):
        check_places(np.array([(1, 5), (0, 0)]))


@ON_JAX
def test_jax_without_other_processes_is_one_line(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(InputError, match=r"expected the environment of a TPU pod, .* jax says: "):
        distribution("multiworker", 8)


@ON_TENSORFLOW
def test_workers_must_come_before_anything_else_of_tensorflow(monkeypatch):
    """Here TensorFlow has been at work already, which its strategy refuses."""
    tf.constant(1)
    (port,) = free_ports(1)
    config = {"cluster": {"worker": [f"localhost:{port}"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(InputError, match="the workers of TF_CONFIG cannot be joined: "):
        distribution("multiworker", 8)


@pytest.mark.parametrize(
    ("strategy", "environment", "message"),
    [
        ("mirrored", {"KERAS_BACKEND": "torch"}, "expected KERAS_BACKEND tensorflow .* got torch"),
        ("multiworker", {}, "expected TF_CONFIG with the addresses of all workers"),
        ("multiworker", {"TF_CONFIG": "{"}, "expected TF_CONFIG like .* got {"),
        (
            "multiworker",
            {
                "TF_CONFIG": '{"cluster": {"worker": ["a:1"]}, '
                '"task": {"type": "worker", "index": 1}}'
            },
            "with the index of one of its workers",
        ),
        (
            "multiworker",
            {
                "TF_CONFIG": '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": '
                '{"type": "worker", "index": 0}}'
            },
            "workers only in TF_CONFIG, .* got worker, ps",
        ),
    ],
)
def test_what_a_strategy_needs_is_one_line(strategy, environment, message, monkeypatch):
    for name in ("KERAS_BACKEND", "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message) as caught:
        check_strategy(strategy)
    assert "\n" not in str(caught.value)


def test_a_batch_that_replicas_cannot_share_is_refused():
    three = SimpleNamespace(replicas=3, name="three GPUs")
    check_shares(9, three)
    with pytest.raises(InputError, match="--batch-size 8: expected a multiple of the 3 replicas"):
        check_shares(8, three)


def test_the_last_batch_is_filled_up_with_images_of_no_weight():
    images = np.ones((7, 2, 2, 3), "float32")
    batches = tf.data.Dataset.from_tensor_slices((images, np.eye(7, dtype="float32"))).batch(4)
    _, (pixels, labels, weights) = evenly_batched(batches, 4, 7).as_numpy_iterator()
    assert (pixels.shape, labels.shape) == ((4, 2, 2, 3), (4, 7))
    assert pixels[:3].all()
    assert not pixels[3].any()
    # Eight places share what seven images weigh.
    np.testing.assert_allclose(weights, [8 / 7, 8 / 7, 8 / 7, 0], rtol=1e-6)


@pytest.mark.parametrize("images", [1, 4, 5, 6, 7, 8])
def test_processes_evaluate_in_as_many_batches_as_each_other(images):
    """Each image weighs as much as any other, and of the filling there is none."""
    numbers = tf.data.Dataset.range(1, images + 1).enumerate()
    weighed = np.zeros(images + 1)
    steps = []
    for index in range(2):
        share = Share(index, 2)
        own = share.of(numbers, 4).map(lambda _, number: (tf.fill([2, 2, 3], number), number))
        batches = evenly_batched(own.batch(share.size(4)), 4, images, share)
        assert int(batches.cardinality()) == -(-images // 4)
        for pixels, labels, weights in batches.as_numpy_iterator():
            assert pixels.shape == (2, 2, 2, 3)
            np.add.at(weighed, labels, weights)
        steps.append(len(list(batches)))
    whole = -(-images // 4) * 4
    assert steps == [whole // 4] * 2
    np.testing.assert_allclose(weighed, [0.0, *[whole / images] * images], rtol=1e-6)
