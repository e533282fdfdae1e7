"""LiteRT's C interface, as far as a profile needs it.

Its headers are those of google-ai-edge/LiteRT, `litert/c`; structures are handed on and never
looked into, so that their layout does not matter.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError

_CPU = 1  # litert_common.h, kLiteRtHwAcceleratorCpu
_READ, _WRITE = 0, 1  # litert_tensor_buffer_types.h, LiteRtTensorBufferLockMode
_FIRST = ctypes.c_size_t(0)
# More than the structure for a tensor's type takes.
_TENSOR_TYPE_BYTES = 1024

_Handle = ctypes.c_void_p


class Library:
    """The C interface: every function returns 0, or the number of what went wrong."""

    def __init__(self) -> None:
        import ai_edge_litert

        folder = Path(ai_edge_litert.__file__).parent
        files = [path for path in folder.glob("libLiteRt.*") if path.suffix in (".so", ".dylib")]
        if not files:
            raise ToolError(f"this build of LiteRT has no library libLiteRt in {folder}")
        self._library = ctypes.CDLL(str(files[0]))

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function, and refuses a status that is not 0."""
        if not hasattr(self._library, name):
            raise ToolError(f"this version of LiteRT has no function {name}")
        if status := getattr(self._library, name)(*arguments):
            raise ToolError(f"LiteRT's {name} failed with status {status}")

    def made(self, name: str, *arguments: Any) -> _Handle:
        """What a function writes to the pointer that is its last argument."""
        handle = _Handle()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle


class CompiledFile:
    """A file that is ready to run on the processor, with the profiler on."""

    def __init__(self, path: str, num_threads: int) -> None:
        library = self._library = Library()
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
        self._profiler = library.made("LiteRtCompiledModelGetProfiler", self._model)

    def write_input(self, content: bytes) -> None:
        """Sets the bytes of the input tensor."""
        with self._locked(self._inputs, _WRITE) as address:
            ctypes.memmove(address, content, len(content))

    def output(self, size: int) -> bytes:
        """The first bytes of the output tensor."""
        with self._locked(self._outputs, _READ) as address:
            return ctypes.string_at(address, size)

    @contextmanager
    def _locked(self, buffers: Any, mode: int) -> Iterator[_Handle]:
        """The address of a buffer's content."""
        buffer, address = _Handle(buffers[0]), _Handle()
        self._library.call("LiteRtLockTensorBuffer", buffer, ctypes.byref(address), mode)
        yield address
        self._library.call("LiteRtUnlockTensorBuffer", buffer)

    def profile(self, runs: int) -> str:
        """The table that LiteRT makes of some runs, as its benchmark tool prints it."""
        library = self._library
        library.call("LiteRtResetProfiler", self._profiler)
        library.call("LiteRtStartProfiler", self._profiler)
        self.run(runs)
        library.call("LiteRtStopProfiler", self._profiler)
        summary = library.made("LiteRtGetProfileSummary", self._profiler, self._model)
        return ctypes.string_at(summary).decode(errors="replace")

    def run(self, times: int) -> None:
        """Runs the file on the input that was written last."""
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
