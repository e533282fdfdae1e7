import errno
import json
import shutil
import threading
from pathlib import Path

import pytest

from tflite_tools import benchmark_android, report_runs
from tflite_tools.android import phones, records_on_disk
from tflite_tools.android.records_on_disk import RunFolder
from tflite_tools.errors import ToolError

QUICK = {"runs": 5, "repeats": 2, "cool_down": 0.0}
FOLDER = "/data/local/tmp/tflite_tools"


@pytest.fixture
def run(adb_env, tmp_path, binary, files):
    """Function that benchmarks one file quickly."""

    def benchmark(*chosen, **arguments):
        arguments = {"binaries": [binary], **QUICK, **arguments}
        return benchmark_android(chosen or [files["float32"]], tmp_path / "out", **arguments)

    return benchmark


def test_files_and_delegates_on_a_phone(phone, run, files):
    report = run(files["float32"], files["int8"], delegates=("cpu", "gpu"))
    assert report.problems == report.left_out == ()
    assert report.passed
    (device,) = report.devices
    assert (device.serial, device.soc, device.api_level) == (phone.serial, "Snapdragon 855", 31)
    assert [(run.file, run.delegate, run.repeat) for run in report.runs] == [
        (files[precision], delegate, repeat)
        for repeat in (1, 2)
        for delegate in ("cpu", "gpu")
        for precision in ("float32", "int8")
    ]
    assert [(s.delegate, s.ran_on, s.measured) for s in report.summaries] == [
        ("cpu", "cpu", 2),
        ("cpu", "cpu", 2),
        ("gpu", "gpu", 2),
        ("gpu", "gpu", 2),
    ]
    for entry in report.runs:
        assert entry.record.mean_ms == 1.001
        assert entry.output.same_top1
        assert entry.output.relative_error < 1e-3
        assert entry.problem is None
        assert entry.before.temperatures == {"cpu-0-0": 35.0, "battery": 31.0}
        assert entry.log.read_text().startswith("INFO: STARTING!")


def test_one_run_at_a_time_on_the_big_cores(phone, run):
    run(delegates=("cpu", "gpu", "nnapi"))
    assert phone.engine.most_running == 1
    assert (phone.root / "taskset.log").read_text().split() == ["f0"] * 6


def test_nothing_is_left_on_the_phone(phone, run):
    run()
    assert list(phone.folder.iterdir()) == []


def test_the_phone_gets_no_name_from_here(phone, run, files, tmp_path):
    name = tmp_path / 'it\'s; touch pwned $(touch pwned) `touch pwned` "é\nü" & | > 模型.tflite'
    name.write_bytes(files["float32"].read_bytes())
    accelerator = "a'b; touch pwned $(touch pwned)"
    report = run(name, delegates=("cpu", f"nnapi:{accelerator}"))
    assert report.passed
    assert phone.engine.runs[1]["nnapi_accelerator_name"] == accelerator
    assert not list(phone.root.rglob("pwned"))
    assert {run.file for run in report.runs} == {name}
    json.loads(report.to_json())
    assert all(ord(sign) < 128 for run in phone.engine.runs for sign in run["graph"])


def test_both_tools(phone, run, binary, litert_binary):
    report = run(binaries=[binary, litert_binary], delegates=("gpu", "nnapi"), repeats=1)
    assert [(r.binary, r.delegate, r.ran_on) for r in report.runs] == [
        ("classic", "gpu", "gpu"),
        ("litert", "gpu", "gpu"),
        ("classic", "nnapi", "nnapi"),
    ]
    assert [r.output is None for r in report.runs] == [False, True, False]
    assert report.runs[1].record.mean_ms == 1.0
    assert report.left_out == (
        "litert_benchmark_model is LiteRT's tool, which has no delegate nnapi.",
    )


@pytest.mark.parametrize("kind", ["classic", "litert"])
def test_a_silent_fallback_is_the_cpus_number(phone, run, binary, litert_binary, kind):
    phone.engine.behaviour = lambda number, flags: "fallback"
    report = run(binaries=[binary if kind == "classic" else litert_binary], delegates=("gpu",))
    (summary,) = report.summaries
    assert (summary.delegate, summary.ran_on, summary.measured) == ("gpu", "cpu", 2)
    assert all("gpu fell back to the CPU" in line for line in report.complaints())
    assert len(report.complaints()) == 2


def test_a_log_that_does_not_tell_who_ran_the_model(phone, run):
    phone.engine.behaviour = lambda number, flags: "silent"
    report = run(delegates=("hexagon",))
    assert [run.ran_on for run in report.runs] == [None, None]
    assert "unknown" in str(report)


def test_a_part_of_the_operators(phone, run):
    phone.engine.behaviour = lambda number, flags: "partial"
    report = run(delegates=("gpu",))
    (summary,) = report.summaries
    assert (summary.ran_on, summary.delegated_share) == ("gpu", 6 / 7)
    assert "gpu (86% of ops)" in str(report)
    assert report.runs[0].record.unsupported_ops[0].op == "ARG_MAX"


def test_a_delegate_with_wrong_outputs(phone, run):
    phone.engine.behaviour = lambda number, flags: "wrong" if "use_gpu" in flags else "ok"
    report = run(delegates=("cpu", "gpu"))
    assert not report.passed
    assert [run.output.passed for run in report.runs] == [True, False] * 2
    assert "differs from this machine's CPU by" in report.complaints()[0]
    assert report.runs[1].record.mean_ms is not None


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        ("refused", "ERROR: Failed to apply GPU delegate."),
        ("fail", "Failed to invoke the interpreter."),
        ("crash", "ended by the signal SIGSEGV"),
        ("garbage", "its log holds no result"),
        ("no output", "wrote no output to compare"),
        ("hang", "stopped, as it did not end in time"),
    ],
)
def test_a_run_that_fails_does_not_stop_the_others(phone, run, behaviour, problem):
    phone.engine.behaviour = lambda number, flags: behaviour if number == 1 else "ok"
    # The other two have to end in that time on a busy machine.
    seconds = 4.0 if behaviour == "hang" else 60.0
    report = run(delegates=("cpu", "gpu", "nnapi"), repeats=1, timeout=seconds)
    assert [r.problem is None for r in report.runs] == [True, False, True]
    assert problem.removeprefix("ERROR: ") in report.runs[1].problem
    (line,) = report.complaints()
    assert "\n" not in line
    assert report.runs[1].log.exists()
    assert phone.engine.running == 0
    assert list(phone.folder.iterdir()) == []


def test_a_second_call_runs_only_what_is_missing(phone, run, files):
    first = run(delegates=("cpu",))
    assert len(phone.engine.runs) == 2
    again = run(delegates=("cpu",))
    assert len(phone.engine.runs) == 2
    assert again.runs == first.runs
    more = run(files["float32"], files["int8"], delegates=("cpu", "gpu"), repeats=1)
    assert len(phone.engine.runs) == 5
    assert more.runs[0] == first.runs[0]


def test_each_number_of_threads_is_a_run_of_its_own(phone, run):
    run(threads=2)
    report = run(threads=(1, 2))
    # What was there before is not run again.
    assert [flags["num_threads"] for flags in phone.engine.runs] == ["2", "2", "1", "1"]
    assert [(entry.num_threads, entry.repeat) for entry in report.runs] == [
        (count, repeat) for repeat in (1, 2) for count in (1, 2)
    ]
    assert [(s.num_threads, s.measured) for s in report.summaries] == [(1, 2), (2, 2)]
    text = str(report)
    assert "cpu, 1 thread" in text
    assert "cpu, 2 threads" in text


def test_another_content_under_the_same_name_is_another_run(phone, run, files, tmp_path):
    model = tmp_path / "model.tflite"
    for precision in ("float32", "int8"):
        model.write_bytes(files[precision].read_bytes())
        run(model)
    assert len(phone.engine.runs) == 4


def test_unplugged_during_a_run_and_plugged_in_again(phone, run, connect, client, tmp_path):
    phone.engine.behaviour = lambda number, flags: "unplug" if number == 2 else "ok"
    report = run(delegates=("cpu", "gpu"))
    assert len(report.runs) == 2
    (problem,) = report.problems
    assert f"{phone.serial}: lost after 2 finished runs" in problem
    assert not report.passed
    (partial,) = (tmp_path / "out").rglob("*.partial.log")
    assert partial.read_text().startswith("INFO: STARTING!")
    client.disconnect(phone.serial)
    phone.plug_in()
    connect(phone)
    whole = run(delegates=("cpu", "gpu"))
    assert whole.passed
    assert len(whole.runs) == 4
    assert whole.runs[:2] == report.runs
    assert len(phone.engine.runs) == 5
    # The one that the lost connection left was stopped before the next began.
    assert phone.engine.most_running == 1
    assert not list((tmp_path / "out").rglob("*.partial.log"))
    assert list(phone.folder.iterdir()) == []


def test_two_phones_at_the_same_time(new_phone, run):
    phones = [
        new_phone(),
        new_phone(properties={"ro.soc.model": "", "ro.board.platform": "kirin980"}),
    ]
    both = threading.Barrier(2)
    for phone in phones:
        # Breaks unless the other phone is at it too.
        phone.engine.behaviour = lambda number, flags: (both.wait(20), "ok")[1]
    report = run(repeats=3)
    assert {d.serial: d.soc for d in report.devices} == {
        phones[0].serial: "Snapdragon 855",
        phones[1].serial: "Kirin 980",
    }
    assert len(report.runs) == 6
    assert [phone.engine.most_running for phone in phones] == [1, 1]


def test_one_of_two_phones_is_lost(new_phone, run):
    good, bad = new_phone(), new_phone()
    bad.engine.behaviour = lambda number, flags: "unplug"
    report = run()
    assert {run.serial for run in report.runs} == {good.serial}
    assert len(report.runs) == 2
    assert report.problems[0].startswith(f"{bad.serial}: lost after 0 finished runs")


def test_a_warm_phone_is_waited_for(phone, run):
    def cool(command):
        phone.temperature -= 4

    phone.engine.behaviour = lambda number, flags: setattr(phone, "temperature", 60.0) or "ok"
    phone.on_shell = lambda command: cool(command) if "thermal_zone" in command else None
    report = run(repeats=3)
    first, *others = report.runs
    assert [run.before.hottest for run in others] == pytest.approx(
        [first.before.hottest] * 2, abs=4
    )
    assert first.after.hottest == 56.0


def test_unplugged_while_files_are_pushed(phone, run):
    phone.while_pushing = lambda path, content: phone.unplug()
    with pytest.raises(ToolError, match=rf"{phone.serial}: lost after 0 finished runs") as caught:
        run()
    assert "\n" not in str(caught.value)


def test_no_space(phone, run):
    (phone.root / "free").write_text("12")
    phone.refusal_of = lambda path, content: (
        "write failed: No space left on device" if path.endswith(".tflite") else None
    )
    with pytest.raises(
        ToolError, match=r"does not take .*\.tflite.* 12 .*Make room on it"
    ) as caught:
        run()
    assert "\n" not in str(caught.value)
    assert list(phone.folder.iterdir()) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_file_that_arrives_damaged_is_pushed_once_more(phone, run, times):
    damaged = []

    def store(path, content):
        if path.endswith(".tflite") and len(damaged) < times:
            damaged.append(path)
            return content[:-1] + b"?"
        return content

    phone.as_stored = store
    if times == 1:
        assert run().passed
    else:
        with pytest.raises(ToolError, match="does not have the checksum of what was pushed"):
            run()
    assert phone.engine.runs == [] or times == 1


def test_a_phone_without_sha256sum(phone, run):
    (phone.root / "bin/sha256sum").write_text("#!/bin/sh\nexit 127\n")
    (phone.root / "bin/sha256sum").chmod(0o755)
    assert run(repeats=1).passed
    assert any(command.startswith("md5sum ") for command in phone.commands)


def test_phones_that_cannot_be_used_beside_one_that_can(new_phone, run):
    unauthorized, good = new_phone(state="unauthorized"), new_phone()
    report = run()
    assert {run.serial for run in report.runs} == {good.serial}
    assert len(report.problems) == 1
    assert report.problems[0].startswith(f"{unauthorized.serial}: ")
    assert "confirm the question on its screen" in report.problems[0]


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("unauthorized", "confirm the question on its screen"), ("offline", "plug it in again")],
)
def test_no_phone_that_can_be_used(new_phone, run, state, remedy):
    new_phone(state=state)
    with pytest.raises(ToolError, match=remedy) as caught:
        run()
    assert "\n" not in str(caught.value)


def test_a_phone_that_is_not_there(phone, run):
    with pytest.raises(
        ToolError, match=rf"expected the phone 'x; y', but adb lists {phone.serial}"
    ):
        run(serials=["x; y"])


def test_only_the_phones_that_are_named(new_phone, run):
    phones = [new_phone(), new_phone()]
    report = run(serials=[phones[1].serial])
    assert [device.serial for device in report.devices] == [phones[1].serial]
    assert phones[0].commands == []


def test_leftovers_of_a_lost_connection_go(phone, run):
    leftover = phone.folder / "tflite_tools/old"
    leftover.parent.mkdir()
    leftover.write_text("old")
    others = phone.folder / "mine.txt"
    others.write_text("mine")
    run(repeats=1)
    assert list(phone.folder.iterdir()) == [others]


def test_a_phone_that_tells_nothing_of_itself(phone, run):
    for folder in ("sys/class/thermal", "sys/devices/system/cpu"):
        shutil.rmtree(phone.root / folder)
    (phone.root / "props").write_text("")
    phone.before_shell = lambda command: None
    for name in ("thermalservice", "power"):
        (phone.root / f"dumpsys.{name}").unlink(missing_ok=True)
    report = run(repeats=1)
    assert report.passed
    assert (report.runs[0].before.thermal_status, report.runs[0].before.screen_on) == (None, None)
    (device,) = report.devices
    assert (device.model, device.soc, device.api_level) == ("unknown model", None, None)
    assert not (phone.root / "taskset.log").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"binaries": []}, "expected an Android build of benchmark_model: name one"),
        ({"binaries": ["missing"]}, "missing: expected a benchmark binary: No such file"),
        ({"delegates": []}, "expected one or more of cpu, gpu"),
        ({"delegates": ["tpu"]}, "expected cpu, gpu, nnapi, hexagon, qnn or nnapi:ACCEL"),
        ({"delegates": ["gpu:x"]}, "got 'gpu:x'"),
        ({"delegates": ["nnapi:"]}, "got 'nnapi:'"),
        ({"delegates": ["nnapi:a\nb"]}, r"got 'nnapi:a\\nb'"),
        ({"libraries": ["a b.so"]}, "only letters, digits"),
        ({"libraries": ["missing.so"]}, "missing.so: expected a readable library"),
        ({"threads": 0}, "threads: expected one or more numbers from 1 on, got 0"),
        ({"repeats": 0}, "repeats: expected 1 or more"),
        ({"timeout": 0.0}, "expected a cool-down of 0 seconds"),
        ({"cool_down": float("nan")}, "expected a cool-down of 0 seconds"),
    ],
)
def test_bad_arguments(run, arguments, message):
    with pytest.raises(ToolError, match=message) as caught:
        run(**arguments)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_model(run, tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(b"nothing")
    with pytest.raises(ToolError, match=r"x\.tflite: not a .tflite model"):
        run(path)


def test_libraries_lie_beside_the_binary(phone, run, tmp_path):
    library = tmp_path / "libQnnTFLiteDelegate.so"
    library.write_bytes(b"\x7fELF")
    seen = []
    phone.engine.behaviour = lambda number, flags: (
        seen.append(Path(flags["external_delegate_path"]).read_bytes()) or "ok"
    )
    report = run(delegates=["qnn"], libraries=[library], repeats=1)
    assert seen == [b"\x7fELF"]
    assert report.summaries[0].ran_on == "qnn"
    assert "backend_type:dsp;" in phone.engine.runs[0]["external_delegate_options"]


def test_a_phone_that_falls_silent_while_files_are_pushed(phone, run, monkeypatch):
    monkeypatch.setattr(phones, "_SECONDS", 0.5)
    silent = threading.Event()
    phone.while_pushing = lambda path, content: silent.wait(20)
    try:
        with pytest.raises(ToolError, match=r"lost after 0 finished|does not take"):
            run()
    finally:
        silent.set()


def test_results_that_cannot_be_written(phone, run, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "save", full)
    with pytest.raises(ToolError, match=r"results cannot be written: .*No space left") as caught:
        run()
    assert "\n" not in str(caught.value)
    assert list(phone.folder.iterdir()) == []


@pytest.mark.parametrize("last", ["log", "record"])
def test_an_output_folder_that_is_removed_meanwhile(phone, run, monkeypatch, last):
    """Also where only the last file of a run finds it gone."""
    save, write = RunFolder.save, records_on_disk._write

    def gone_before_log(folder, *arguments):
        shutil.rmtree(folder.path)
        save(folder, *arguments)

    def gone_before_record(path, content):
        if path.name != records_on_disk.PHONE_FILE:
            shutil.rmtree(path.parent)
        write(path, content)

    if last == "log":
        monkeypatch.setattr(RunFolder, "save", gone_before_log)
    else:
        monkeypatch.setattr(records_on_disk, "_write", gone_before_record)
    with pytest.raises(ToolError, match=r"was removed while .* Repeat the command") as caught:
        run()
    assert "Make room" not in str(caught.value)


def test_two_binaries_of_a_kind_are_two_rows(phone, run, binary, tmp_path):
    (tmp_path / "other").mkdir()
    namesake, named = tmp_path / "other" / binary.name, tmp_path / "new_benchmark_model"
    for place, copy in enumerate((namesake, named)):
        copy.write_bytes(binary.read_bytes() + b"#" * (1 + place))
    report = run(binaries=[binary, named])
    assert [s.measured for s in report.summaries] == [2, 2]
    assert len({s.program for s in report.summaries}) == 2
    assert "(new_bench" in str(report)
    rows = report_runs(tmp_path / "out").measurements
    assert {row.program for row in rows} == {"benchmark_model", "new_benchmark_model"}
    # Two that are called the same are told apart by what is in them.
    assert len({s.program for s in run(binaries=[binary, namesake], repeats=1).summaries}) == 2


def test_what_is_given_twice_is_measured_once(phone, run, binary, files, tmp_path):
    (tmp_path / "copies").mkdir()
    twin = tmp_path / "copies" / files["float32"].name
    twin.write_bytes(files["float32"].read_bytes())
    report = run(files["float32"], twin, binaries=[binary, binary], repeats=1)
    assert len(phone.engine.runs) == len(report.runs) == 1


def turn_off(phone, *cores):
    for core in cores:
        shutil.rmtree(phone.root / f"sys/devices/system/cpu/cpu{core}/cpufreq")


def test_big_cores_that_went_off_are_not_replaced_by_small_ones(phone, run):
    first = run(delegates=("cpu",))
    assert first.devices[0].cores_off == ()
    turn_off(phone, 4, 5, 6, 7)
    again = run(delegates=("cpu",))
    assert (again.runs, len(phone.engine.runs)) == (first.runs, 2)
    assert again.passed
    more = run(delegates=("cpu", "gpu"))
    assert (more.runs, len(phone.engine.runs)) == (first.runs, 2)
    (line,) = more.complaints()
    assert "cores 4, 5, 6, 7 are off now" in line
    assert (phone.root / "taskset.log").read_text().split() == ["f0"] * 2


@pytest.mark.parametrize("how", ["no frequency", "not online"])
def test_a_phone_that_hides_cores_from_the_beginning_is_told_of(phone, run, tmp_path, how):
    turn_off(phone, 4, 5, 6, *([7] if how == "no frequency" else []))
    if how == "not online":
        (phone.root / "sys/devices/system/cpu/online").write_text("0-6\n")
    report = run(repeats=1)
    (line,) = report.complaints()
    assert "cores 4, 5, 6, 7 are off, so that it is measured on the fastest" in line
    assert report.devices[0].cores_off == (4, 5, 6, 7)
    assert any("cores 4, 5, 6, 7 are off" in note for note in report_runs(tmp_path / "out").notes)


def test_a_run_that_took_too_long_is_repeated_with_more_time(phone, run):
    phone.engine.behaviour = lambda number, flags: "hang" if number == 0 else "ok"
    (stopped,) = run(repeats=1, timeout=1.0).runs
    assert stopped.problem == (
        "stopped, as it did not end in time (1 s); a larger --timeout repeats it"
    )
    assert run(repeats=1, timeout=1.0).runs == (stopped,)
    assert len(phone.engine.runs) == 1
    (good,) = run(repeats=1, timeout=60.0).runs
    assert good.problem is None
    # What ended is not run again, however long it may take.
    assert run(repeats=1, timeout=600.0).runs == (good,)
    assert len(phone.engine.runs) == 2


def test_a_damaged_record_stops_no_other_run(phone, run, tmp_path):
    run(repeats=2)
    damaged = next(path for path in (tmp_path / "out").rglob("*-1.json"))
    damaged.write_text("{")
    report = run(repeats=3)
    assert [entry.repeat for entry in report.runs] == [2, 3]
    (line,) = report.problems
    assert line.startswith(f"{damaged}: not the record of a run")
    assert not report.passed


def test_names_that_would_steer_a_terminal(phone, run, files, tmp_path):
    name = tmp_path / "b\nad\x1b[31m.tflite"
    name.write_bytes(files["float32"].read_bytes())
    properties = phone.root / "props"
    text = properties.read_text()
    model = next(line for line in text.splitlines() if line.startswith("ro.product.model="))
    properties.write_text(text.replace(model, "ro.product.model=A [1]\x1b[31m"))
    phone.engine.behaviour = lambda number, flags: "crash"
    report = run(name, repeats=1)
    assert report.devices[0].model.endswith("A [1]�[31m")
    assert all(line.isprintable() for line in report.complaints())
    assert "\x1b" not in str(report)
