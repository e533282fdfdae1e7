import numpy as np
import pytest

from tflite_tools import benchmark_host
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel


def test_one_record_for_each_file_in_order(files):
    chosen = [files["float32"], files["int8"], files["float32"]]
    records = benchmark_host(chosen, num_threads=2, rounds=3, warmup=1)
    assert [record.file for record in records] == chosen
    assert records[0].ratio == 1
    for record in records:
        assert record.num_threads == 2
        assert record.runs == 15
        assert 0 < record.median_ms <= record.p95_ms
        assert record.mean_ms > 0
        assert record.std_ms >= 0
        assert record.ratio == pytest.approx(record.median_ms / records[0].median_ms)


def test_files_take_turns(files, monkeypatch):
    """Rounds interleave: no file gets all its runs while the machine happens to be fast."""
    order = []
    invoke = LiteModel.invoke

    def recorded(model):
        order.append(model.path)
        invoke(model)

    monkeypatch.setattr(LiteModel, "invoke", recorded)
    benchmark_host([files["float32"], files["int8"]], rounds=2, warmup=0)
    turn = [files["float32"]] * 5 + [files["int8"]] * 5
    assert order == turn * 2


def test_statistics_are_those_of_the_file_that_was_timed(files, monkeypatch):
    turns = [1_000_000, 0] * 5 + [3_000_000, 0] * 5
    clock = iter(np.cumsum([0, *turns, *turns]).tolist())
    monkeypatch.setattr("tflite_tools.benchmark.time.perf_counter_ns", lambda: next(clock))
    slow_second = benchmark_host([files["float32"], files["int8"]], rounds=2, warmup=0)
    assert [record.median_ms for record in slow_second] == [1, 3]
    assert [record.p95_ms for record in slow_second] == [1, 3]
    assert [record.std_ms for record in slow_second] == [0, 0]
    assert [record.ratio for record in slow_second] == [1, 3]


@pytest.mark.parametrize("arguments", [{"rounds": 0}, {"warmup": -1}, {"files": []}])
def test_wrong_arguments(files, arguments):
    with pytest.raises(ToolError, match="benchmark_host: expected at least one file"):
        benchmark_host(**{"files": [files["float32"]], **arguments})


def test_a_damaged_file(files, tmp_path):
    path = tmp_path / "damaged.tflite"
    path.write_bytes(files["float32"].read_bytes()[:2000])
    with pytest.raises(ToolError, match=r"damaged\.tflite: not a \.tflite model"):
        benchmark_host([files["float32"], path])
