"""What is said where the SDK, the chip or the platform cannot be used."""

import platform
import shutil
import sys
import types

import pytest
from support.operator_zoo import zoo_file
from support.qairt import libraries, needs_compiler

from tflite_tools.errors import ToolError
from tflite_tools.npu import compile_for_soc, known_socs
from tflite_tools.npu import sdk as sdk_module
from tflite_tools.npu.sdk import check_platform, find_sdk

ALL = (
    *("libHtpPrepare.so", "libQnnHtp.so", "libQnnIr.so", "libQnnLpai.so"),
    *("libQnnSaver.so", "libQnnSystem.so"),
)


@pytest.fixture
def folder(tmp_path):
    """Function that makes a folder of empty files with the libraries' names."""

    def make(*names, under="sdk"):
        made = tmp_path / under
        made.mkdir(parents=True)
        for name in names:
            (made / name).touch()
        return made

    return make


@pytest.fixture
def package(monkeypatch):
    """Function that installs a package in place of Qualcomm's, None for none."""

    def install(answer):
        monkeypatch.setattr(
            sdk_module.importlib.util, "find_spec", lambda name: None if answer is None else name
        )
        module = types.ModuleType("ai_edge_litert_sdk_qualcomm")
        module.path_to_sdk_libs = answer
        monkeypatch.setitem(sys.modules, "ai_edge_litert_sdk_qualcomm", module)

    return install


def test_a_folder_with_all_of_them(folder):
    found = find_sdk(folder(*ALL))
    assert found.notes == ()
    with found.library_path() as path:
        assert path == str(found.folder)


@pytest.mark.parametrize("name", [name for name in ALL if name != "libQnnLpai.so"])
def test_a_library_that_is_missing_is_named(name, folder):
    path = folder(*(other for other in ALL if other != name))
    with pytest.raises(ToolError) as caught:
        find_sdk(path)
    assert str(caught.value).startswith(f"{path}: {name} missing: pip install ai-edge-litert-sdk")


def test_the_library_of_another_processor_may_be_missing(folder):
    found = find_sdk(folder(*(name for name in ALL if name != "libQnnLpai.so")))
    assert "lacks libQnnLpai.so" in found.notes[0]
    with found.library_path() as path:
        first, second = path.split(":")
        assert second == str(found.folder)
        assert first != second


def test_the_folder_of_the_whole_sdk(folder):
    inner = folder(*ALL, under="qairt/lib/x86_64-linux-clang")
    assert find_sdk(inner.parents[1]).folder == inner


def test_no_such_folder(tmp_path):
    with pytest.raises(ToolError, match=r"sdk_libs: no such folder: .*/nowhere\."):
        find_sdk(tmp_path / "nowhere")


def test_the_package(folder, package, capsys):
    path = folder(*ALL)
    package(lambda: path)
    assert find_sdk().folder == path
    package(lambda: print("Warning: no SDK", file=sys.stderr))
    with pytest.raises(ToolError, match="holds no SDK, as its download failed"):
        find_sdk()
    assert capsys.readouterr() == ("", "")
    package(None)
    with pytest.raises(ToolError, match=r"pip install ai-edge-litert-sdk-qualcomm .*--sdk-libs"):
        find_sdk()


def test_another_platform(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ToolError, match=r"on Linux on x86-64 only; this is .* on aarch64\."):
        check_platform()
    with pytest.raises(ToolError, match="only"):
        compile_for_soc("x.tflite", "SM8350")


def test_an_unknown_chip_gets_the_list():
    assert "SM8350" in known_socs()
    assert "ALL" not in known_socs()
    for soc in ("SM8150", "ALL", "", 8350):
        with pytest.raises(ToolError) as caught:
            compile_for_soc("x.tflite", soc)
        assert str(caught.value) == (
            f"soc: expected one of {', '.join(known_socs())}, got {soc!r}."
        )


@needs_compiler
@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ("libQnnIr.so", "plugin for Qualcomm's compiler cannot be loaded"),
        ("libQnnHtp.so", r"Qualcomm's compiler crashes on it for SM8350 \(SIGBUS\)"),
    ],
)
def test_libraries_that_are_damaged(damaged, message, tmp_path):
    sdk = tmp_path / "sdk"
    sdk.mkdir()
    for file in libraries().glob("lib*.so"):
        (sdk / file.name).symlink_to(file)
    (sdk / damaged).unlink()
    if "crashes" in message:  # as a download that was cut off
        shutil.copy(libraries() / damaged, sdk / damaged)
        with (sdk / damaged).open("r+b") as file:
            file.truncate(1 << 20)
    else:
        (sdk / damaged).write_text("no library")
    path = tmp_path / "x.tflite"
    path.write_bytes(zoo_file("grouped"))
    with pytest.raises(ToolError, match=message) as caught:
        compile_for_soc(path, "SM8350", sdk_libs=sdk)
    assert "\n" not in str(caught.value)
