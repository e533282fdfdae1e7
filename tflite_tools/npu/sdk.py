"""Finds the vendor's libraries, and checks that those are there that the compiler needs."""

import contextlib
import importlib.util
import io
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.paths import checked_path

# What LiteRT's plugin links, and what libQnnHtp.so loads to compile.
_NEEDED = ("libQnnHtp.so", "libHtpPrepare.so", "libQnnSystem.so", "libQnnIr.so", "libQnnSaver.so")
# The plugin links it too, for another processor than the HTP. SDKs before 2.4x lack it.
_UNUSED = "libQnnLpai.so"
_PACKAGE = "ai_edge_litert_sdk_qualcomm"
_FOLDER = Path("lib") / "x86_64-linux-clang"
_INSTALL = (
    f"pip install {_PACKAGE.replace('_', '-')} (it downloads the SDK), or name the folder with "
    f"its libraries for x86-64 Linux ({_FOLDER} of the Qualcomm AI Runtime SDK) with --sdk-libs"
)


@dataclass(frozen=True)
class Sdk:
    """The vendor's libraries.

    Attributes:
        folder: Where they are.
        notes: What had to be done without, a sentence each.
    """

    folder: Path
    notes: tuple[str, ...]

    @contextlib.contextmanager
    def library_path(self) -> Iterator[str]:
        """Yields what LD_LIBRARY_PATH has to begin with."""
        if not self.notes:
            yield str(self.folder)
            return
        with tempfile.TemporaryDirectory(prefix="tflite-tools-") as name:
            # The plugin takes no symbol from it, so any library does that is loaded anyhow.
            (Path(name) / _UNUSED).symlink_to(self.folder / "libQnnSystem.so")
            yield f"{name}{os.pathsep}{self.folder}"


def check_platform() -> None:
    """Refuses what the vendor's compiler does not run on.

    Raises:
        ToolError: This is not Linux on x86-64.
    """
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise ToolError(
            "compile: Qualcomm's compiler runs on Linux on x86-64 only; this is "
            f"{platform.system()} on {platform.machine()}."
        )


def find_sdk(sdk_libs: Any = None) -> Sdk:
    """The libraries in a folder, or those of the package `ai_edge_litert_sdk_qualcomm`.

    Args:
        sdk_libs: The folder, or the SDK's own folder; None for the package.

    Raises:
        ToolError: There are none, or some of them are missing; the message says what to install.
    """
    if sdk_libs is None:
        folder = _of_package()
    else:
        folder = checked_path(sdk_libs, what="sdk_libs").absolute()
        if not folder.is_dir():
            raise ToolError(f"sdk_libs: no such folder: {folder}.")
        if (folder / _FOLDER).is_dir():
            folder = folder / _FOLDER
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise ToolError(f"{folder}: {', '.join(missing)} missing: {_INSTALL}.")
    notes: tuple[str, ...] = ()
    if not (folder / _UNUSED).is_file():
        notes = (f"The SDK lacks {_UNUSED}; nothing of it is needed for this processor.",)
    return Sdk(folder, notes)


def _of_package() -> Path:
    if importlib.util.find_spec(_PACKAGE) is None:
        raise ToolError(f"compile: the SDK of Qualcomm's compiler is not found: {_INSTALL}.")
    package = importlib.import_module(_PACKAGE)
    # None if the download failed when it was installed; it warns of that on its own.
    with contextlib.redirect_stderr(io.StringIO()):
        folder = package.path_to_sdk_libs()
    if folder is None:
        raise ToolError(
            f"compile: the package {_PACKAGE} holds no SDK, as its download failed when it was "
            f"installed. Install it again, or {_INSTALL.partition(', or ')[2]}."
        )
    return Path(folder)
