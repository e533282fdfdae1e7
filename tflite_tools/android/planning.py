"""What to run on a phone: a pure function of files, delegates and the phone."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_tools.android.connection import FOLDER
from tflite_tools.android.programs import Program
from tflite_tools.android.records import DeviceInfo, PlannedRun
from tflite_tools.errors import ToolError

DELEGATES = ("cpu", "gpu", "nnapi", "hexagon", "qnn")
# Which delegates each of the two tools called benchmark_model has.
_KNOWN_TO = {"classic": DELEGATES, "litert": ("cpu", "gpu", "qnn")}
_QNN_DELEGATE = "libQnnTFLiteDelegate.so"
# The Snapdragon 855 has a DSP, but none that QNN's HTP backend runs on.
_DSP_BACKEND = ("Snapdragon 855",)


@dataclass(frozen=True)
class Model:
    """A .tflite file and one input for it, as they are pushed.

    Attributes:
        path: The file on this machine.
        content: What is in it.
        sample: The bytes of the input tensor.
        input_name: The name of the input tensor.
        input_shape: Its shape.
    """

    path: Path
    content: bytes
    sample: bytes
    input_name: str
    input_shape: tuple[int, ...]


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes:
        delegates: Such as "cpu", "gpu", "nnapi", "nnapi:qti-dsp", "hexagon", "qnn".
        threads: How many threads the CPU's operators may use, one number or several.
        runs: How many runs are timed at each start of the binary.
        repeats: How often the binary is started.
        op_profile: Whether the operators are timed one by one, which costs time itself.
    """

    delegates: tuple[str, ...]
    threads: tuple[int, ...]
    runs: int
    repeats: int
    op_profile: bool


def check_delegates(delegates: Iterable[str]) -> tuple[str, ...]:
    """Refuses what is no delegate; each one is tried once."""
    checked = tuple(dict.fromkeys(delegates))
    for delegate in checked:
        name, colon, accelerator = delegate.partition(":")
        named = bool(accelerator) and accelerator.isprintable()
        if name not in DELEGATES or (colon and not (name == "nnapi" and named)):
            raise ToolError(
                f"delegates: expected {', '.join(DELEGATES)} or nnapi:ACCELERATOR, got "
                f"{delegate!r}."
            )
    if not checked:
        raise ToolError(f"delegates: expected one or more of {', '.join(DELEGATES)}, got none.")
    return checked


def left_out(programs: Sequence[Program], delegates: Iterable[str]) -> list[str]:
    """What cannot be run because a tool has no such delegate, a line each."""
    return [
        f"{program.path.name} is LiteRT's tool, which has no delegate {delegate}."
        for program in programs
        for delegate in delegates
        if not _has(program, delegate)
    ]


def plan_runs(
    models: Sequence[Model],
    programs: Sequence[Program],
    libraries: Sequence[tuple[str, bytes]],
    settings: Settings,
    device: DeviceInfo,
) -> tuple[PlannedRun, ...]:
    """Lists the runs on a phone, in their order: every file once before any is repeated.

    Args:
        models: The .tflite files.
        programs: The benchmark binaries.
        libraries: Names and contents of the vendor's libraries.
        settings: How to run.
        device: The phone, for its big cores and its chip.
    """
    pushed = b"".join(hashlib.sha256(content).digest() for _, content in libraries)
    runs = (
        _planned(model, program, delegate, threads, repeat, pushed, settings, device)
        for repeat in range(1, settings.repeats + 1)
        for delegate in settings.delegates
        for program in programs
        if _has(program, delegate)
        for threads in settings.threads
        for model in models
    )
    # A file or a binary that is given twice is one thing to measure.
    once: dict[str, PlannedRun] = {}
    for run in runs:
        once.setdefault(run.key, run)
    return tuple(once.values())


def model_target(model: Model) -> str:
    """Where a model lies on the phone: a name of our own, whatever the file is called."""
    return f"{FOLDER}/{_digest(model.content)}.tflite"


def sample_target(model: Model) -> str:
    """Where a model's input lies on the phone."""
    return f"{FOLDER}/{_digest(model.content)}.input"


def program_target(program: Program) -> str:
    """Where a binary lies on the phone."""
    return f"{FOLDER}/{_digest(program.content)}.benchmark_model"


def _has(program: Program, delegate: str) -> bool:
    return delegate.partition(":")[0] in _KNOWN_TO[program.kind]


def _planned(
    model: Model,
    program: Program,
    delegate: str,
    threads: int,
    repeat: int,
    pushed: bytes,
    settings: Settings,
    device: DeviceInfo,
) -> PlannedRun:
    output = f"{FOLDER}/output" if _can_check(model, program) else None
    argv = (
        *_environment(delegate),
        *(("taskset", device.big_cores) if device.big_cores else ()),
        program_target(program),
        f"--graph={model_target(model)}",
        f"--num_threads={threads}",
        f"--num_runs={settings.runs}",
        *_delegate_flags(program.kind, delegate, device),
        *(_check_flags(model, output) if output else ()),
        *(_profile_flags(program.kind) if settings.op_profile else ()),
    )
    identity = "\0".join([device.serial, _digest(pushed), *argv]).encode("utf-8", "surrogateescape")
    names = (model.path.stem, delegate, program.kind, _digest(identity), str(repeat))
    return PlannedRun(
        key="-".join(map(safe_name, names)),
        file=model.path,
        sha256=hashlib.sha256(model.content).hexdigest(),
        binary=program.kind,
        delegate=delegate,
        num_threads=threads,
        repeat=repeat,
        argv=argv,
        output=output,
        program=f"{program.path.name} {_digest(program.content)}",
    )


def _environment(delegate: str) -> tuple[str, ...]:
    if delegate not in ("hexagon", "qnn"):
        return ()
    return ("env", f"LD_LIBRARY_PATH={FOLDER}", f"ADSP_LIBRARY_PATH={FOLDER}")


def _delegate_flags(kind: str, delegate: str, device: DeviceInfo) -> tuple[str, ...]:
    name, _, accelerator = delegate.partition(":")
    if kind == "litert":
        return {
            "cpu": ("--use_cpu=true",),
            "gpu": ("--use_cpu=false", "--use_gpu=true"),
            "qnn": (
                *("--use_cpu=false", "--use_npu=true"),
                f"--dispatch_library_path={FOLDER}",
                f"--compiler_plugin_library_path={FOLDER}",
            ),
        }[name]
    backend = "dsp" if device.soc in _DSP_BACKEND else "htp"
    library = "libQnnDsp.so" if backend == "dsp" else "libQnnHtp.so"
    named = (f"--nnapi_accelerator_name={accelerator}",) if accelerator else ()
    return {
        "cpu": ("--use_xnnpack=true",),
        "gpu": ("--use_gpu=true",),
        "nnapi": ("--use_nnapi=true", *named),
        "hexagon": ("--use_hexagon=true", f"--hexagon_lib_path={FOLDER}"),
        "qnn": (
            f"--external_delegate_path={FOLDER}/{_QNN_DELEGATE}",
            f"--external_delegate_options=backend_type:{backend};library_path:{FOLDER}/{library};"
            f"skel_library_dir:{FOLDER}",
        ),
    }[name]


def _can_check(model: Model, program: Program) -> bool:
    # LiteRT's tool neither reads inputs nor writes outputs; a comma would end the name in a flag.
    return program.kind == "classic" and "," not in model.input_name


def _check_flags(model: Model, output: str) -> tuple[str, ...]:
    escaped = model.input_name.replace(":", "\\:")
    return (
        f"--input_layer={model.input_name}",
        f"--input_layer_shape={','.join(map(str, model.input_shape))}",
        f"--input_layer_value_files={escaped}:{sample_target(model)}",
        f"--output_filepath={output}",
    )


def _profile_flags(kind: str) -> tuple[str, ...]:
    return ("--use_profiler=true",) if kind == "litert" else ("--enable_op_profiling=true",)


def safe_name(text: str) -> str:
    """A part of a file name, whatever the text holds."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text)[:40] or "_"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
