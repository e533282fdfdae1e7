import os
import signal
import threading
import time

import numpy as np
import pytest

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.prediction import predict


@pytest.fixture(scope="module")
def many(samples):
    """More samples than one worker takes at once, and no multiple of that."""
    return np.concatenate([samples * scale for scale in (1, 0.5, -1)])[:137]


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
@pytest.mark.parametrize("workers", [1, 2, 3, 64])
def test_any_number_of_workers_answers_the_same(files, many, precision, workers):
    model = LiteModel(files[precision])
    np.testing.assert_array_equal(predict(model, many, workers=workers), model.predict(many))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_batches_are_cut_as_by_one_worker(batch_of_four, many, workers):
    for file in batch_of_four:
        model = LiteModel(file)
        np.testing.assert_array_equal(predict(model, many, workers=workers), model.predict(many))


def test_the_work_is_shared(files, many, monkeypatch):
    threads = set()
    invoke = LiteModel.invoke

    def recorded(model):
        threads.add((threading.get_ident(), id(model)))
        time.sleep(1e-4)
        invoke(model)

    monkeypatch.setattr(LiteModel, "invoke", recorded)
    predict(LiteModel(files["float32"]), many, workers=3)
    assert len({thread for thread, _ in threads}) == len({model for _, model in threads}) == 3


def test_no_more_workers_than_work(files, samples, monkeypatch):
    def refuse(model):
        raise AssertionError("a second interpreter for a few samples")

    monkeypatch.setattr(LiteModel, "another", refuse)
    assert predict(LiteModel(files["int8"]), samples[:5], workers=8).shape == (5, 5)


def test_progress_adds_up(files, many):
    done = []
    predict(LiteModel(files["int8"]), many, workers=2, progress=done.append)
    assert len(done) > 3
    assert sum(done) == 137


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_reaches_the_caller_at_once(files, many, monkeypatch, workers):
    runs, running = [], set(threading.enumerate())
    invoke = LiteModel.invoke

    def fails_once(model):
        runs.append(None)
        if len(runs) == 20:
            raise ToolError("the twentieth run")
        invoke(model)

    monkeypatch.setattr(LiteModel, "invoke", fails_once)
    with pytest.raises(ToolError, match="the twentieth run"):
        predict(LiteModel(files["int8"]), np.tile(many, (20, 1, 1, 1)), workers=workers)
    assert len(runs) < 200
    assert set(threading.enumerate()) <= running


def test_an_error_in_the_progress_reaches_the_caller(files, many):
    def broken(done):
        raise OSError("no terminal")

    with pytest.raises(OSError, match="no terminal"):
        predict(LiteModel(files["int8"]), many, workers=2, progress=broken)


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_stops_all_workers(files, many, monkeypatch, workers):
    runs, running = [], set(threading.enumerate())
    invoke = LiteModel.invoke

    def slow(model):
        runs.append(None)
        if len(runs) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        invoke(model)

    monkeypatch.setattr(LiteModel, "invoke", slow)
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        predict(LiteModel(files["int8"]), np.tile(many, (10, 1, 1, 1)), workers=workers)
    assert time.perf_counter() - started < 5  # all of it would take 14 s on one worker
    assert len(runs) < 100
    assert set(threading.enumerate()) <= running


def test_samples_are_not_copied_as_a_whole(files, tmp_path):
    """A memory-mapped file of pixels is read piece by piece."""
    import tracemalloc

    path = tmp_path / "pixels.npy"
    np.save(path, np.zeros((20_000, 16, 16, 3), "uint8"))
    pixels = np.load(path, mmap_mode="r")[:4000]
    model = LiteModel(files["int8"])
    tracemalloc.start()
    predict(model, pixels, workers=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < pixels.nbytes / 2  # in float32 they are four times as many bytes


def test_the_number_of_workers_is_checked(files, samples):
    with pytest.raises(ToolError, match="workers: expected 1 or more, got 0"):
        predict(LiteModel(files["int8"]), samples, workers=0)


def test_samples_are_checked_as_a_whole(files, many):
    bad = many.copy()
    bad[[70, 130], 0, 0, 0] = np.nan
    with pytest.raises(ToolError, match="NaN or infinity in 2 of 137 samples, first in sample 70"):
        predict(LiteModel(files["int8"]), bad, workers=2)
