"""Finds a Vulkan driver, on which LiteRT's GPU path runs: the system's, or one in software."""

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tflite_tools.errors import ToolError

_LOADER = "libvulkan.so.1"
# Which drivers the user wants, by the variables of the Vulkan loader.
_CHOSEN = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
_SYSTEM = ("/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d")
# Mesa's driver in software: LiteRT finds no adapter in it.
_REFUSED = "lvp_icd"
# Browsers bring SwiftShader, a driver in software that LiteRT takes, and a loader.
_BROWSERS = ("/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome")
_SWIFTSHADER = "vk_swiftshader_icd.json"
_INSTALL = (
    "install your graphics card's Vulkan driver and libvulkan1, or a driver in software: Debian's "
    "package chromium holds SwiftShader (apt-get install chromium). VK_DRIVER_FILES names one "
    "elsewhere."
)


@dataclass(frozen=True)
class Driver:
    """A Vulkan driver.

    Attributes:
        name: The file that describes it, or "the system's".
        environment: The variables with which a process uses it.
    """

    name: str
    environment: Mapping[str, str]


def find_driver() -> Driver:
    """The driver that VK_DRIVER_FILES names, else the system's, else SwiftShader of a browser.

    Raises:
        ToolError: There is none, or no loader for it; the message says what to install.
    """
    chosen = next((os.environ[name] for name in _CHOSEN if os.environ.get(name)), None)
    if chosen is not None:
        return _driver(Path(chosen.split(os.pathsep)[0]), chosen)
    if _system_drivers() and _loads():
        return Driver("the system's", {})
    for folder in _BROWSERS:
        if (Path(folder) / _SWIFTSHADER).is_file():
            return _driver(Path(folder) / _SWIFTSHADER, str(Path(folder) / _SWIFTSHADER))
    raise ToolError(f"there is no Vulkan driver for LiteRT's GPU path: {_INSTALL}")


def _system_drivers() -> list[Path]:
    found = [path for folder in _SYSTEM for path in Path(folder).glob("*.json")]
    return [path for path in found if not path.name.startswith(_REFUSED)]


def _driver(description: Path, files: str) -> Driver:
    if not description.is_file():
        raise ToolError(f"VK_DRIVER_FILES: expected the file of a Vulkan driver, got {files}.")
    environment = {"VK_DRIVER_FILES": files}
    if not _loads():
        folder = description.parent
        if not (folder / _LOADER).is_file():
            raise ToolError(
                f"{description} is a Vulkan driver, but the loader {_LOADER} is missing: install "
                "libvulkan1."
            )
        before = os.environ.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, (str(folder), before)))
    return Driver(str(description), environment)


def _loads() -> bool:
    try:
        ctypes.CDLL(_LOADER)
    except OSError:
        return False
    return True
