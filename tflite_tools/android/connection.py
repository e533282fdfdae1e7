"""A phone over adb: commands, their output as it comes, and files with checksums."""

import contextlib
import hashlib
import shlex
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError

# The only folder on the phone that is written to, and removed.
FOLDER = "/data/local/tmp/tflite_tools"
_PID = f"{FOLDER}/pid"
# Constant scripts: nothing that comes from outside is ever part of them.
# The number may be another program's by now.
_KILL = (
    f"p=$(cat {_PID} 2>/dev/null) && grep -q {FOLDER} /proc/$p/cmdline 2>/dev/null && kill -9 $p"
)
_REMOVE = f"rm -rf {FOLDER}"
_MAKE = f"{_KILL}; {_REMOVE} && mkdir -p {FOLDER}"
_STDOUT, _EXIT = 1, 3
_POLL_SECONDS = 0.2
_COMMAND_SECONDS = 30.0


class DeviceLostError(Exception):
    """The phone does not answer any more; the message says what adb says."""


class StoppedError(Exception):
    """The work was interrupted from this side."""


@dataclass(frozen=True)
class Finished:
    """How a command ended; the exit code is None if it took too long."""

    exit_code: int | None
    output: bytes


class Connection:
    """One phone.

    Args:
        device: The `adbutils.AdbDevice`.
        stopped: Set when whatever runs has to end.
    """

    def __init__(self, device: Any, stopped: threading.Event) -> None:
        self._device = device
        self.stopped = stopped

    @property
    def serial(self) -> str:
        """What adb calls the phone."""
        return str(self._device.serial)

    def run(self, command: Sequence[str] | str, *, whatever: bool = False) -> Finished:
        """Runs a command to its end.

        Args:
            command: Its words, which are quoted here, or a constant script.
            whatever: Run it even if `stopped` is set.
        """
        script = command if isinstance(command, str) else shlex.join(command)
        output = bytearray()
        code = None
        deadline = time.monotonic() + _COMMAND_SECONDS
        for kind, data in self._stream(script, deadline, whatever=whatever):
            if kind == _EXIT:
                code = data[0]
            elif kind == _STDOUT:
                output += data
        return Finished(code, bytes(output))

    def run_logged(self, argv: Sequence[str], log: Path, seconds: float) -> int | None:
        """Runs a program, and writes what it prints to a file as it comes.

        Returns:
            The exit code; None if the time was over and the program was killed.

        Raises:
            DeviceLostError: The phone went away.
            StoppedError: `stopped` was set; the program was killed.
        """
        script = f"echo $$ > {_PID}; exec {shlex.join(argv)}"
        with log.open("wb", buffering=0) as file:
            try:
                for kind, data in self._stream(script, time.monotonic() + seconds):
                    if kind == _EXIT:
                        return data[0]
                    file.write(data)
            except StoppedError:
                self.run(_KILL, whatever=True)
                raise
        self.run(_KILL, whatever=True)
        return None

    def push(self, content: bytes, target: str, *, executable: bool = False) -> None:
        """Writes a file on the phone and checks that what arrived is what was sent."""
        for _ in range(2):
            with self._adb_errors():
                self._push(content, target, 0o755 if executable else 0o644)
            if self._arrived(content, target):
                return
        raise ToolError(
            f"{self.serial}: {target} does not have the checksum of what was pushed, twice. Try "
            "another cable or port."
        )

    def pull(self, source: str) -> bytes | None:
        """The content of a file on the phone; None if there is none."""
        with self._adb_errors():
            if not self._device.sync.exists(source):
                return None
            return b"".join(self._device.sync.iter_content(source))

    def make_folder(self) -> None:
        """Makes the tool's folder anew, without what a lost connection left in it."""
        if self.run(_MAKE).exit_code != 0:
            raise ToolError(f"{self.serial}: {FOLDER} cannot be made on the phone.")

    def remove_folder(self) -> None:
        """Removes all that was written, also after `stopped` was set."""
        self.run(_REMOVE, whatever=True)

    def _push(self, content: bytes, target: str, mode: int) -> None:
        from adbutils import AdbError

        try:
            self._device.sync.push(content, target, mode=mode)
        except AdbError as error:
            if self._device.get_state() != "device":
                raise
            free = self.run(["df", "-k", FOLDER]).output.decode(errors="replace").split()
            raise ToolError(
                f"{self.serial}: the phone does not take {target}, {len(content) / 1024:.0f} KiB "
                f"({error or 'no reason given'}). df says: {' '.join(free[-6:])}. Make room on it."
            ) from error

    def _arrived(self, content: bytes, target: str) -> bool:
        for tool, digest in (("sha256sum", hashlib.sha256), ("md5sum", hashlib.md5)):
            finished = self.run([tool, target])
            if finished.exit_code == 0:
                return finished.output.split()[:1] == [digest(content).hexdigest().encode()]
        with self._adb_errors():  # phones without either tool
            return bool(self._device.sync.stat(target).size == len(content))

    def _stream(
        self, script: str, deadline: float, *, whatever: bool = False
    ) -> Iterator[tuple[int, bytes]]:
        """Yields what a command prints; ends without an exit code at the deadline."""
        with self._adb_errors(), contextlib.closing(self._opened(script)) as channel:
            buffer = bytearray()
            while time.monotonic() < deadline:
                if self.stopped.is_set() and not whatever:
                    raise StoppedError
                try:
                    data = channel.conn.recv(1 << 16)
                except TimeoutError:
                    continue
                if not data:
                    raise DeviceLostError("the connection was lost")
                buffer += data
                for kind, part in _packets(buffer):
                    yield kind, part
                    if kind == _EXIT:
                        return

    def _opened(self, script: str) -> Any:
        channel = self._device.open_transport(timeout=_COMMAND_SECONDS)
        channel.send_command(f"shell,v2:{script}")
        channel.check_okay()
        channel.conn.settimeout(_POLL_SECONDS)
        return channel

    @contextlib.contextmanager
    def _adb_errors(self) -> Iterator[None]:
        from adbutils import AdbError

        try:
            yield
        except (AdbError, OSError, EOFError, struct.error) as error:
            raise DeviceLostError(str(error) or "the connection was lost") from error


def _packets(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes whole packets of the shell protocol off the front of a buffer."""
    while len(buffer) >= 5:
        kind, length = struct.unpack_from("<BI", buffer)
        if len(buffer) < 5 + length:
            return
        data = bytes(buffer[5 : 5 + length])
        del buffer[: 5 + length]
        yield kind, data
