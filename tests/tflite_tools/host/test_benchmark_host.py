import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tflite_tools import benchmark_host
from tflite_tools.errors import ToolError
from tflite_tools.host import load_host_report
from tflite_tools.host.records import Machine
from tflite_tools.interpreter import LiteModel

PLATFORM = Machine("a processor", 2, "a system", "2.3.0", 0.1)


@pytest.fixture
def idle(monkeypatch):
    monkeypatch.setattr("tflite_tools.host.benchmark.describe_machine", lambda: PLATFORM)


def test_one_record_for_each_number_of_threads_and_file(files, idle):
    chosen = [files["float32"], files["int8"], files["float32"]]
    report = benchmark_host(chosen, threads=[2, 1], rounds=3, warmup=1)
    assert (report.machine, report.rounds) == (PLATFORM, 3)
    assert [record.file for record in report.records] == chosen * 2
    assert [record.num_threads for record in report.records] == [2] * 3 + [1] * 3
    for record in report.records:
        assert record.runs == 15
        assert 0 < record.min_ms <= record.median_ms <= record.p95_ms
        assert record.std_ms >= 0
        assert record.throughput == pytest.approx(1000 / record.mean_ms)
        assert record.ratio_spread[0] <= record.ratio <= record.ratio_spread[1]
        assert record.init_ms > 0
        assert record.size_bytes == record.file.stat().st_size
        assert record.op_profile == ()
    assert [record.ratio for record in report.records[::3]] == [1, 1]
    assert [record.ratio_spread for record in report.records[::3]] == [(1, 1), (1, 1)]


def test_all_pairs_take_turns(files, monkeypatch, idle):
    """Rounds interleave: no file gets all its runs while the machine happens to be fast."""
    order = []
    invoke = LiteModel.invoke

    def recorded(model):
        order.append((model.path, model._num_threads))
        invoke(model)

    monkeypatch.setattr(LiteModel, "invoke", recorded)
    benchmark_host([files["float32"], files["int8"]], threads=[1, 2], rounds=2, warmup=0)
    # One run of each turn is not timed: it finds another file in the caches.
    turn = [(files[name], count) for count in (1, 2) for name in ("float32", "int8")]
    assert order == [pair for pair in turn for _ in range(6)] * 2


def test_statistics_are_those_of_the_file_and_the_threads_that_were_timed(files, monkeypatch, idle):
    # Two files on one thread, 1 and 3 ms, then on two, 2 and 1 ms; twice as long in one round.
    turns = [[ms * 10**6, 0] * 5 for ms in (1, 3, 2, 1, 2, 6, 4, 2, 1, 3, 2, 1)]
    clock = iter(np.cumsum([0, *itertools.chain(*turns)]).tolist())
    monkeypatch.setattr("tflite_tools.host.measuring.time.perf_counter_ns", lambda: next(clock))
    # The processor's clock is read before and after the runs of a turn.
    cpu = iter(np.cumsum([0, *itertools.chain(*([ms * 5 * 10**6, 0] for ms in (4, 8, 2, 3) * 3))]))
    monkeypatch.setattr("tflite_tools.host.measuring.time.process_time_ns", lambda: next(cpu))
    report = benchmark_host([files["float32"], files["int8"]], threads=[1, 2], rounds=3, warmup=0)
    records = report.records
    assert [record.cpu_ms for record in records] == [4, 8, 2, 3]
    assert [record.cpu_ratio for record in records] == [1, 2, 1, 1.5]
    assert [record.median_ms for record in records] == [1, 3, 2, 1]
    assert [record.min_ms for record in records] == [1, 3, 2, 1]
    assert [record.p95_ms for record in records] == [2, 6, 4, 2]
    assert [record.mean_ms for record in records] == pytest.approx([4 / 3, 4, 8 / 3, 4 / 3])
    assert records[0].std_ms == pytest.approx(np.std([1, 2, 1]))
    assert [record.throughput for record in records] == pytest.approx([750, 250, 375, 750])
    assert [record.ratio for record in records] == [1, 3, 1, 0.5]
    # The machine's bad round meets both: the ratio does not spread.
    assert [record.ratio_spread for record in records] == [(1, 1), (3, 3), (1, 1), (0.5, 0.5)]


def test_the_ratio_pairs_the_files_by_round(files, monkeypatch, idle):
    # Three rounds of both: the medians' ratio is 4, which is outside the rounds' quartiles.
    turns = [[ms * 10**6, 0] * 5 for ms in (1, 3, 2, 8, 9, 9)]
    clock = iter(np.cumsum([0, *itertools.chain(*turns)]).tolist())
    monkeypatch.setattr("tflite_tools.host.measuring.time.perf_counter_ns", lambda: next(clock))
    report = benchmark_host([files["float32"], files["int8"]], rounds=3, warmup=0)
    assert [record.median_ms for record in report.records] == [2, 8]
    assert report.records[1].ratio == 3
    assert report.records[1].ratio_spread == (2, 3.5)


def test_progress_tells_each_files_share(files, idle):
    told = []
    chosen = [files["float32"], files["int8"]]
    benchmark_host(chosen, threads=[1, 2], rounds=2, progress=lambda *args: told.append(args))
    for file in chosen:
        assert [args for args in told if args[0] == file] == [
            (file, done, 6) for done in range(1, 7)
        ]


def test_the_report_is_written_where_it_was_asked_for(files, tmp_path, idle):
    folder = tmp_path / "results"
    report = benchmark_host([files["int8"]], folder, rounds=1)
    assert [path.name for path in folder.iterdir()] == ["host.json"]
    assert load_host_report(folder / "host.json") == report


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(files, tmp_path):
    with pytest.raises(ToolError, match="expected an output folder, got a file"):
        benchmark_host([tmp_path / "no such file"], files["int8"])


def test_table_and_text(files, idle):
    report = benchmark_host([files["float32"], files["int8"]], threads=(1, 2), rounds=1)
    text = str(report)
    assert "1 thread of 2 × a processor, LiteRT 2.3.0" in text
    assert "2 threads of 2 × a processor, LiteRT 2.3.0" in text
    # What XNNPACK did not take is said once, not for every number of threads.
    assert report.complaints() == [
        f"{files['int8'].name}: XNNPACK did not take SOFTMAX×1: input 0 is int8; expected "
        "float32, float16."
    ]
    assert report.passed
    assert json.loads(report.to_json())["records"][3]["num_threads"] == 2


def test_files_of_one_name_are_told_apart(files, tmp_path, idle):
    copies = []
    for precision in ("int8", "float32"):
        (tmp_path / precision).mkdir()
        copies.append(Path(shutil.copy(files[precision], tmp_path / precision / "m.tflite")))
    again = shutil.copytree(tmp_path / "int8", tmp_path / "again") / "m.tflite"
    report = benchmark_host([*copies, again], rounds=1)
    lines = report.complaints()
    assert [line.split(": ")[0] for line in lines] == ["int8/m.tflite", "again/m.tflite"]
    assert "float32/m.tflite" in str(report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": 0}, "rounds: expected 1 or more, got 0"),
        ({"warmup": -1}, "warmup: expected 0 or more, got -1"),
        ({"files": []}, "files: expected one or more, got none"),
        ({"threads": []}, r"threads: expected one or more numbers from 1 on, got \[\]"),
        ({"threads": [1, 0]}, r"threads: expected one or more numbers from 1 on, got \[1, 0\]"),
    ],
)
def test_wrong_arguments(files, arguments, message):
    with pytest.raises(ToolError, match=message):
        benchmark_host(**{"files": [files["float32"]], **arguments})


def test_a_damaged_file(files, tmp_path):
    path = tmp_path / "damaged.tflite"
    path.write_bytes(files["float32"].read_bytes()[:2000])
    with pytest.raises(ToolError, match=r"damaged\.tflite: not a \.tflite model"):
        benchmark_host([files["float32"], path])
