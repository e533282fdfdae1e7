"""Keeps the noise of TensorFlow, its converter and LiteRT off the terminal.

Python code writes to `sys.stdout` and `sys.stderr`, C++ code to the file descriptors 1 and 2.
`silenced()` sends all four to a temporary file, whose end can be quoted when something fails.
The redirection is process wide: what other threads print meanwhile is swallowed too.
Inside `verbosity(True)` nothing is silenced.
"""

import contextlib
import contextvars
import ctypes
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import BinaryIO

_STANDARD_DESCRIPTORS = (1, 2)
_verbose = contextvars.ContextVar("verbose", default=False)


class Noise:
    """What was printed while the output was silenced."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def tail(self, lines: int = 5) -> str:
        """The last lines printed so far. Only valid inside the `silenced()` block."""
        _flush_c_streams()
        # Reading to the end leaves the offset, which the descriptors share, where it was.
        self._file.seek(0)
        text = self._file.read().decode(errors="replace")
        return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


@contextlib.contextmanager
def verbosity(verbose: bool) -> Iterator[None]:
    """Decides whether `silenced()` silences inside the block: with `verbose` it does not."""
    token = _verbose.set(verbose)
    try:
        yield
    finally:
        _verbose.reset(token)


def is_verbose() -> bool:
    """Tells whether everything reaches the terminal."""
    return _verbose.get()


@contextlib.contextmanager
def silenced() -> Iterator[Noise]:
    """Captures everything printed, and drops Python warnings, inside the block."""
    with contextlib.ExitStack() as stack:
        if is_verbose():
            yield Noise(stack.enter_context(tempfile.TemporaryFile(buffering=0)))
            return
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_descriptors_in_use())
        file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        stack.enter_context(_redirected_descriptors(file.fileno()))
        stack.enter_context(_relayed("stdout", 1))
        stack.enter_context(_relayed("stderr", 2))
        yield Noise(file)


@contextlib.contextmanager
def _descriptors_in_use() -> Iterator[None]:
    """Fills descriptors 0 to 2 where they are closed, so that no file opened later gets them."""
    fillers = []
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= max(_STANDARD_DESCRIPTORS):
        fillers.append(descriptor)
    os.close(descriptor)
    try:
        yield
    finally:
        for descriptor in fillers:
            os.close(descriptor)


@contextlib.contextmanager
def _redirected_descriptors(target: int) -> Iterator[None]:
    saved = {descriptor: os.dup(descriptor) for descriptor in _STANDARD_DESCRIPTORS}
    _flush_everything()
    for descriptor in _STANDARD_DESCRIPTORS:
        os.dup2(target, descriptor)
    try:
        yield
    finally:
        _flush_everything()
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)


@contextlib.contextmanager
def _relayed(name: str, descriptor: int) -> Iterator[None]:
    """Replaces `sys.stdout` or `sys.stderr`, which need not write to the descriptor at all."""
    original = getattr(sys, name)
    relay = _Relay(name, descriptor)
    setattr(sys, name, relay)
    try:
        yield
    finally:
        relay.release()
        setattr(sys, name, original)


class _Relay(io.TextIOBase):
    """Writes to a descriptor until released, to the current standard stream afterwards.

    A logging handler made inside the block keeps this object for the rest of the process, so it
    has to stay usable.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self._name = name
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        self._descriptor = None

    def write(self, text: str) -> int:
        if self._descriptor is not None:
            os.write(self._descriptor, text.encode(errors="replace"))
            return len(text)
        stream = getattr(sys, self._name)
        if stream is not None and stream is not self:
            stream.write(text)
        return len(text)

    def fileno(self) -> int:
        if self._descriptor is None:
            raise io.UnsupportedOperation("fileno")
        return self._descriptor


def _flush_everything() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A stream may be missing, closed, or stand on a descriptor that is.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    _flush_c_streams()


def _flush_c_streams() -> None:
    """C's stdout is buffered when it is not a terminal: the noise would come out later."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
