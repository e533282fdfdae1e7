"""What went wrong, by the log's own words."""

import re

from tflite_tools.benchmark_log.records import UnsupportedOp

_FAILED = "Benchmarking failed."
_CRASH = re.compile(
    r"^\s*(?:Segmentation fault|Aborted|Bus error|Illegal instruction|Killed|Trace/breakpoint trap"
    r"|Floating point exception|Fatal signal .*|CANNOT LINK EXECUTABLE.*"
    r"|.*: (?:inaccessible or )?not found|.*: not executable.*|.*: can't execute: .*)"
    r"(?:\s*\(core dumped\))?\s*$"
)
_EXPLANATIONS = re.compile(
    r"Failed to apply .+ delegate|Disallowed CPU fallback detected"
    r"|GPU acceleration is unsupported on this platform|Could not create \w+ delegate"
    r"|Could not find the specified NNAPI accelerator|NN API returned error"
    r"|delegate is explicitly applied, the model graph will not be executed"
    r"|Failed to (?:load|compile|create|initialize|resolve|allocate|mmap|open|invoke|prepare)"
    r"|Requesting full delegation and CPU acceleration are incompatible"
)
_LAST_RESORT = "Restored original execution plan after delegate application failure"
_UNSUPPORTED = re.compile(r"(?:Following|Next) operations are not supported by \w+ delegate")
_UNSUPPORTED_OP = re.compile(r"\s*([A-Z][A-Z0-9_]+(?: [\w:.-]+)?): ?(.*)\n")
_END_OF_UNSUPPORTED = re.compile(r"operations? will run on|Initialized session in|^\s*count=")
_UNKNOWN_FLAGS = re.compile(r"Unconsumed cmdline flags:\s*(.*)\n")


def read_failed(lines: list[str]) -> bool:
    """Whether the log says that the binary gave up or crashed."""
    return any(_FAILED in line or _CRASH.match(line) for line in lines)


def read_gave_up(lines: list[str]) -> bool:
    """Whether the binary itself says that the benchmark failed, whatever it measured before."""
    return any(_FAILED in line for line in lines)


def read_error(lines: list[str]) -> str | None:
    """The line that explains most: what failed, before that something did."""
    for explains in (
        _EXPLANATIONS.search,
        _CRASH.match,
        lambda line: _LAST_RESORT in line,
        lambda line: _FAILED in line,
    ):
        if (line := next((line for line in lines if explains(line)), None)) is not None:
            return line.strip()
    return None


def read_unsupported_ops(lines: list[str]) -> tuple[UnsupportedOp, ...]:
    """The operators that a delegate refuses; stray lines may stand between them."""
    found: dict[UnsupportedOp, None] = {}
    listed = False
    for line in lines:
        if _UNSUPPORTED.search(line):
            listed = True
        elif _END_OF_UNSUPPORTED.search(line):
            listed = False
        elif listed and (entry := _UNSUPPORTED_OP.fullmatch(line)):
            found[UnsupportedOp(entry[1], entry[2].strip())] = None
    return tuple(found)


def read_unknown_flags(lines: list[str]) -> tuple[str, ...]:
    """The flags that the binary does not have."""
    found = (_UNKNOWN_FLAGS.search(line) for line in lines)
    return tuple(flag for match in found if match for flag in match[1].split())
