import os

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.gpu import drivers
from tflite_tools.gpu.drivers import find_driver


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Function that sets up which drivers and loaders there are."""

    def set_up(*, system=(), browser=(), loads=True, chosen=None):
        for name in ("system", "browser"):
            (tmp_path / name).mkdir()
        for file in system:
            (tmp_path / "system" / file).touch()
        for file in browser:
            (tmp_path / "browser" / file).touch()
        monkeypatch.setattr(drivers, "_SYSTEM", (str(tmp_path / "system"),))
        monkeypatch.setattr(drivers, "_BROWSERS", (str(tmp_path / "browser"),))
        monkeypatch.setattr(drivers, "_loads", lambda: loads)
        for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LD_LIBRARY_PATH"):
            monkeypatch.delenv(name, raising=False)
        if chosen is not None:
            monkeypatch.setenv("VK_DRIVER_FILES", str(chosen))
        return tmp_path

    return set_up


SWIFTSHADER = "vk_swiftshader_icd.json"


def test_the_systems_driver_comes_first(machine):
    machine(system=["nvidia_icd.json"], browser=[SWIFTSHADER])
    assert (find_driver().name, find_driver().environment) == ("the system's", {})


def test_a_driver_that_litert_refuses_does_not_count(machine):
    root = machine(system=["lvp_icd.x86_64.json"], browser=[SWIFTSHADER])
    file = str(root / "browser" / SWIFTSHADER)
    assert find_driver().environment == {"VK_DRIVER_FILES": file}


def test_a_browser_brings_the_loader_too(machine, monkeypatch):
    root = machine(browser=[SWIFTSHADER, "libvulkan.so.1"], loads=False)
    assert find_driver().environment["LD_LIBRARY_PATH"] == str(root / "browser")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/mine")
    expected = os.pathsep.join((str(root / "browser"), "/opt/mine"))
    assert find_driver().environment["LD_LIBRARY_PATH"] == expected


def test_the_users_choice_comes_before_all(machine, tmp_path):
    mine = tmp_path / "mine.json"
    mine.touch()
    machine(system=["nvidia_icd.json"], browser=[SWIFTSHADER], chosen=mine)
    assert find_driver().environment == {"VK_DRIVER_FILES": str(mine)}


def test_a_choice_that_is_no_file(machine):
    machine(system=["nvidia_icd.json"], chosen="/none/such.json")
    with pytest.raises(ToolError, match="VK_DRIVER_FILES: expected the file of a Vulkan driver"):
        find_driver()


def test_no_loader(machine):
    machine(browser=[SWIFTSHADER], loads=False)
    with pytest.raises(ToolError, match=r"loader libvulkan\.so\.1 is missing: install libvulkan1"):
        find_driver()


def test_no_driver_at_all(machine):
    machine()
    with pytest.raises(ToolError, match=r"(?s)no Vulkan driver.*apt-get install chromium"):
        find_driver()
