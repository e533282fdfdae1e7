"""Benchmark binaries: which tool one is, and what phones it runs on."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tflite_tools.android.records import DeviceInfo
from tflite_tools.errors import ToolError

# Of the header of an executable file, elf(5): how it begins, and where the processor stands.
_ELF, _MACHINE = b"\x7fELF", slice(18, 20)
_MACHINES = {
    3: ("x86",),
    40: ("armeabi-v7a", "armeabi"),
    62: ("x86_64",),
    183: ("arm64-v8a",),
    243: ("riscv64",),
}
_SCRIPT = b"#!"
# LiteRT's tool alone has this flag.
_LITERT_MARK = b"dispatch_library_path"


@dataclass(frozen=True)
class Program:
    """A benchmark binary.

    Attributes:
        path: The file on this machine.
        content: What is in it.
        kind: "classic" or "litert".
    """

    path: Path
    content: bytes
    kind: str

    @property
    def abis(self) -> tuple[str, ...]:
        """The instruction sets of Android that it is built for; none if it is no ELF file."""
        if not self.content.startswith(_ELF) or len(self.content) < _MACHINE.stop:
            return ()
        machine = int.from_bytes(self.content[_MACHINE], "little")
        return _MACHINES.get(machine, (f"machine {machine}",))


def read_program(path: Path) -> Program:
    """Reads a benchmark binary and tells the two tools apart."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a benchmark binary: {error.strerror}.") from error
    if not content.startswith((_ELF, _SCRIPT)):
        raise ToolError(
            f"{path}: expected a program for Android (an ELF file), got a file of {len(content)} "
            "bytes that is none. Unpack it, or download it again."
        )
    return Program(path, content, "litert" if _LITERT_MARK in content else "classic")


def check_abi(programs: Iterable[Program], device: DeviceInfo) -> None:
    """Refuses a phone that cannot run one of the programs, before anything is pushed to it."""
    runs = device.abis or ((device.abi,) if device.abi else ())
    for program in programs:
        if runs and program.abis and not set(program.abis).intersection(runs):
            raise ToolError(
                f"{device.serial}: {program.path.name} is built for {program.abis[0]}, but the "
                f"phone runs {', '.join(runs)}. Name a build for it (--binary), and the phone "
                "(--serial)."
            )
