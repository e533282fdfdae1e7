"""The time of each operator, by LiteRT's own profiler, in a process of its own.

LiteRT's Python package offers no profile: its interpreter knows XNNPACK's operators only as one
node. The C interface of the library in that package does (`litert/c/litert_profiler.h` of
google-ai-edge/LiteRT): XNNPACK reports each of its operators to it, in whole microseconds.
"""

import ctypes
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.benchmark_log import OpTime, read_op_profile
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.worker import run_in_worker

_WARMUP = 5
# A run that other work interrupts spoils the mean of its turn, not the median over the turns.
_TURNS, _RUNS = 25, 2
_CPU = 1  # litert/c/litert_common.h, kLiteRtHwAcceleratorCpu
_READ, _WRITE = 0, 1  # litert/c/litert_tensor_buffer_types.h, LiteRtTensorBufferLockMode
_FIRST = ctypes.c_size_t(0)
# More than the C structure for a tensor's type takes, which is handed on and never looked into.
_TENSOR_TYPE_BYTES = 1024

_Handle = ctypes.c_void_p


def profile_operators(file: Path, num_threads: int) -> tuple[OpTime, ...]:
    """How long each operator of a file takes, in the order of execution.

    Operators of XNNPACK are called "Delegate/…"; several of the file's may be one of them.

    Raises:
        ToolError: This build of LiteRT gives no profile.
    """
    tables = run_in_worker(profile, {"path": str(file), "num_threads": num_threads})
    turns = [read_op_profile(table.splitlines(keepends=True))[0] for table in tables]
    if not turns[0] or len({tuple(row.name for row in turn) for turn in turns}) != 1:
        raise ToolError("LiteRT's profiler gave no table that can be read")
    medians = [statistics.median(row.mean_ms for row in rows) for rows in zip(*turns, strict=True)]
    total = sum(medians) or 1.0
    return tuple(
        replace(row, mean_ms=median, share=median / total, calls=1)
        for row, median in zip(turns[0], medians, strict=True)
    )


def profile(path: str, num_threads: int) -> list[str]:
    """The tables that LiteRT makes of several turns of runs, as its benchmark tool prints them.

    What is made here lives until the process ends.
    """
    model = LiteModel(path)
    noise = np.random.default_rng(0).standard_normal((model.batch_size, *model.sample_shape))
    compiled = _Compiled(path, num_threads)
    compiled.write_input(model.encoded(noise.astype(np.float32)))
    return compiled.profiles()


class _Library:
    """The C interface: every function returns 0, or the number of what went wrong."""

    def __init__(self) -> None:
        import ai_edge_litert

        folder = Path(ai_edge_litert.__file__).parent
        files = [path for path in folder.glob("libLiteRt.*") if path.suffix in (".so", ".dylib")]
        if not files:
            raise ToolError(f"this build of LiteRT has no library libLiteRt in {folder}")
        self._library = ctypes.CDLL(str(files[0]))

    def call(self, name: str, *arguments: Any) -> None:
        if not hasattr(self._library, name):
            raise ToolError(f"this version of LiteRT has no function {name}")
        if status := getattr(self._library, name)(*arguments):
            raise ToolError(f"LiteRT's {name} failed with status {status}")

    def made(self, name: str, *arguments: Any) -> _Handle:
        """What a function writes to the pointer that is its last argument."""
        handle = _Handle()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle


class _Compiled:
    """A file that is ready to run on the processor, with the profiler on."""

    def __init__(self, path: str, num_threads: int) -> None:
        library = self._library = _Library()
        self._environment = library.made("LiteRtCreateEnvironment", 0, None)
        model = library.made("LiteRtCreateModelFromFile", self._environment, path.encode())
        options = library.made("LiteRtCreateOptions")
        library.call("LiteRtSetOptionsHardwareAccelerators", options, _CPU)
        self._kept: list[Any] = []
        self._add(options, "runtime_options_string", "enable_profiling = true")
        self._add(options, "xnnpack", f"num_threads = {num_threads}")
        self._model = library.made("LiteRtCreateCompiledModel", self._environment, model, options)
        signature = library.made("LiteRtGetModelSignature", model, _FIRST)
        self._inputs = (_Handle * 1)(self._buffer(signature, "Input"))
        self._outputs = (_Handle * 1)(self._buffer(signature, "Output"))

    def write_input(self, content: bytes) -> None:
        with self._locked(self._inputs, _WRITE) as address:
            ctypes.memmove(address, content, len(content))

    def output(self, size: int) -> bytes:
        with self._locked(self._outputs, _READ) as address:
            return ctypes.string_at(address, size)

    @contextmanager
    def _locked(self, buffers: Any, mode: int) -> Iterator[_Handle]:
        """The address of a buffer's content."""
        buffer, address = _Handle(buffers[0]), _Handle()
        self._library.call("LiteRtLockTensorBuffer", buffer, ctypes.byref(address), mode)
        yield address
        self._library.call("LiteRtUnlockTensorBuffer", buffer)

    def profiles(self) -> list[str]:
        library = self._library
        profiler = library.made("LiteRtCompiledModelGetProfiler", self._model)
        self._run(_WARMUP)
        tables = []
        for _ in range(_TURNS):
            library.call("LiteRtResetProfiler", profiler)
            library.call("LiteRtStartProfiler", profiler)
            self._run(_RUNS)
            library.call("LiteRtStopProfiler", profiler)
            summary = library.made("LiteRtGetProfileSummary", profiler, self._model)
            tables.append(ctypes.string_at(summary).decode(errors="replace"))
        return tables

    def _run(self, times: int) -> None:
        one = ctypes.c_size_t(1)
        for _ in range(times):
            self._library.call(
                "LiteRtRunCompiledModel",
                *(self._model, _FIRST, one, self._inputs, one, self._outputs),
            )

    def _add(self, options: _Handle, identifier: str, text: str) -> None:
        """Adds an option by what LiteRT's own functions make of it: TOML."""
        content = ctypes.create_string_buffer(text.encode())
        keep = ctypes.CFUNCTYPE(None, _Handle)(lambda address: None)
        self._kept += [content, keep]
        option = self._library.made(
            "LiteRtCreateOpaqueOptions", identifier.encode(), ctypes.byref(content), keep
        )
        self._library.call("LiteRtAddOpaqueOptions", options, option)

    def _buffer(self, signature: _Handle, kind: str) -> _Handle:
        library = self._library
        tensor = library.made(f"LiteRtGetSignature{kind}TensorByIndex", signature, _FIRST)
        tensor_type = ctypes.create_string_buffer(_TENSOR_TYPE_BYTES)
        library.call("LiteRtGetRankedTensorType", tensor, tensor_type)
        requirements = library.made(
            f"LiteRtGetCompiledModel{kind}BufferRequirements", self._model, _FIRST, _FIRST
        )
        return library.made(
            "LiteRtCreateManagedTensorBufferFromRequirements",
            *(self._environment, tensor_type, requirements),
        )
