"""What spoils a measurement: heat, a dark screen, a binary of another processor."""

from pathlib import Path

import pytest

from tflite_tools import benchmark_android
from tflite_tools.android.programs import Program, check_abi, read_program
from tflite_tools.android.records import DeviceInfo
from tflite_tools.errors import ToolError


@pytest.fixture
def run(adb_env, tmp_path, binary, files):
    """Function that benchmarks one file quickly."""

    def benchmark(**arguments):
        arguments = {"binaries": [binary], "runs": 5, "repeats": 2, "cool_down": 0.0, **arguments}
        return benchmark_android([files["int8"]], tmp_path / "out", **arguments)

    return benchmark


def test_an_idle_phone_with_its_screen_on(phone, run):
    report = run()
    assert report.complaints() == []
    for entry in report.runs:
        for state in (entry.before, entry.after):
            assert (state.thermal_status, state.screen_on) == (0, True)


def test_throttling_is_waited_for(phone, run):
    """Before the first run, and after one that heated the phone."""
    phone.thermal_status = 3

    def cool(command):
        if "thermalservice" in command:
            phone.thermal_status = max(0, phone.thermal_status - 1)

    def heat(number, flags):
        phone.thermal_status = 4
        return "ok"

    phone.on_shell = cool
    phone.engine.behaviour = heat
    report = run()
    assert [entry.before.thermal_status for entry in report.runs] == [0, 0]
    assert [entry.after.thermal_status for entry in report.runs] == [3, 3]
    assert [line.partition(": the phone was ")[2] for line in report.complaints()] == [
        "slowed down by its temperature after it (thermal status 3): let it cool down and remove "
        "this run's files to repeat it."
    ] * 2
    assert report.passed


def test_a_phone_that_stays_hot_is_measured_all_the_same_and_said(phone, run):
    phone.thermal_status = 2
    report = run(repeats=1)
    (entry,) = report.runs
    assert entry.record.median_ms is not None
    assert "slowed down by its temperature before it (thermal status 2)" in entry.problem


@pytest.mark.parametrize("wakefulness", ["Asleep", "Dozing"])
def test_a_screen_that_is_off(phone, run, wakefulness):
    phone.wakefulness = wakefulness
    report = run()
    assert report.complaints() == [
        f"{phone.serial}: its screen was off before 2 of the runs, which slows programs down; wake "
        "the phone, and keep it so: adb shell svc power stayon usb."
    ]
    assert report.passed


def test_a_phone_that_does_not_tell(phone, run):
    phone.wakefulness = phone.thermal_status = None
    report = run()
    assert {entry.before.thermal_status for entry in report.runs} == {None}
    (line,) = report.complaints()
    assert line.startswith(f"{phone.serial}: it does not tell whether its screen is on: look at it")


def elf(machine):
    """The beginning of an executable file for a processor, elf(5): 64 bits, little-endian."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little")


def test_a_binary_for_another_processor_is_refused_before_anything_is_pushed(phone, run, tmp_path):
    path = tmp_path / "x86_build"
    path.write_bytes(elf(62) + bytes(1000))
    with pytest.raises(ToolError) as caught:
        run(binaries=[path])
    assert str(caught.value) == (
        f"{phone.serial}: x86_build is built for x86_64, but the phone runs arm64-v8a, "
        "armeabi-v7a, armeabi. Name a build for it (--binary), and the phone (--serial)."
    )
    assert list(phone.folder.iterdir()) == []
    assert not any("mkdir" in command for command in phone.commands)


def phone_of(abi, *abis):
    return DeviceInfo("S1", "", None, None, None, abi, {}, abis)


@pytest.mark.parametrize(
    ("machine", "device", "fits"),
    [
        (183, phone_of("arm64-v8a", "arm64-v8a", "armeabi-v7a"), True),
        (40, phone_of("arm64-v8a", "arm64-v8a", "armeabi-v7a"), True),
        (40, phone_of("arm64-v8a", "arm64-v8a"), False),  # 64 bits only, as of 2023
        (40, phone_of("armeabi", "armeabi"), True),
        (183, phone_of("armeabi-v7a"), False),
        (183, phone_of(None), True),  # it does not tell
        (3, phone_of("x86_64", "x86_64", "x86"), True),
        (243, phone_of("arm64-v8a"), False),
        (8, phone_of("arm64-v8a"), False),
    ],
)
def test_which_binary_runs_on_which_phone(machine, device, fits):
    program = Program(Path("binary"), elf(machine), "classic")
    if fits:
        check_abi([program], device)
    else:
        with pytest.raises(ToolError, match="binary is built for"):
            check_abi([program], device)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 an archive", b"<html>404</html>"])
def test_what_is_no_program(tmp_path, content):
    path = tmp_path / "benchmark_model"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=r"benchmark_model: expected a program for Android \(an EL"):
        read_program(path)
