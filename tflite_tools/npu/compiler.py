"""Runs the vendor's compiler: a program of LiteRT's in a process of its own, which may crash."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert.aot.core import aot_types, common, components

from tflite_tools.npu.sdk import Sdk

_PROGRAM = Path("tools") / "apply_plugin_main"


@dataclass(frozen=True)
class Finished:
    """How the compiler ended.

    Attributes:
        code: Its exit status; the negative number of a signal that ended it.
        seconds: How long it ran.
        messages: What LiteRT printed.
        details: What the vendor's libraries printed.
    """

    code: int
    seconds: float
    messages: str
    details: str


def run_compiler(source: Path, target: Path, soc: str, sdk: Sdk) -> Finished:
    """Compiles a file.

    Args:
        source: The .tflite file.
        target: The file to write; not written if it fails.
        soc: The chip, one of `known_socs()`.
        sdk: The vendor's libraries.
    """
    from ai_edge_litert.aot.vendors.qualcomm import qualcomm_backend
    from ai_edge_litert.aot.vendors.qualcomm.target import SocModel, Target

    program = _Program(sdk)
    backend = qualcomm_backend.QualcommBackend.create(Target(SocModel(soc)).flatten())
    # Not `aot_compile`: it keeps nothing of what is said of refused operators, takes an installed
    # SDK before the one that it is given, and leaves files behind when it fails.
    backend.call_component(_model(source), _model(target), program)
    assert program.finished is not None  # the backend has called it
    return program.finished


def _model(path: Path) -> Any:
    return aot_types.Model.create_from_path(path.absolute())


class _Program(components.ApplyPluginT):
    """The component that a backend calls with its plugin and its chip."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self.finished: Finished | None = None

    def __call__(
        self,
        input_model: Any,
        output_model: Any,
        soc_manufacturer: str,
        soc_model: str,
        *_: Any,
        libs: str = "",
        **__: Any,
    ) -> None:
        """Runs the program; `libs` is the folder of the plugin."""
        command = [
            str(common.get_resource(_PROGRAM)),
            "--cmd=apply",
            f"--model={input_model.path}",
            f"--o={output_model.path}",
            f"--soc_manufacturer={soc_manufacturer}",
            f"--soc_model={soc_model}",
            f"--libs={libs}",
            "--err=--",  # its messages to standard error
        ]
        with self._sdk.library_path() as first:
            env = {**os.environ, "LD_LIBRARY_PATH": _joined(first, libs)}
            start = time.perf_counter()
            # Two pipes: in one, what is printed on either side would cut the other's lines.
            run = subprocess.run(
                command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            seconds = time.perf_counter() - start
        self.finished = Finished(
            run.returncode,
            seconds,
            run.stderr.decode(errors="replace"),
            run.stdout.decode(errors="replace"),
        )


def _joined(*folders: str) -> str:
    given = os.environ.get("LD_LIBRARY_PATH")
    return os.pathsep.join([*folders, *([given] if given else [])])
