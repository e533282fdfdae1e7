"""The time of each operator, by LiteRT's own profiler, in a process of its own.

LiteRT's Python package offers no profile: its interpreter knows XNNPACK's operators only as one
node. The C interface of the library in that package does (`litert/c/litert_profiler.h` of
google-ai-edge/LiteRT): XNNPACK reports each of its operators to it, in whole microseconds.
"""

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np

from tflite_tools.benchmark_log import OpTime, read_op_profile
from tflite_tools.errors import ToolError
from tflite_tools.host.litert_library import CompiledFile
from tflite_tools.interpreter import LiteModel
from tflite_tools.worker import run_in_worker

_WARMUP = 5
# A run that other work interrupts spoils the mean of its turn, not the median over the turns.
_TURNS, _RUNS = 25, 2


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
    compiled = CompiledFile(path, num_threads)
    compiled.write_input(model.encoded(noise.astype(np.float32)))
    compiled.run(_WARMUP)
    return [compiled.profile(_RUNS) for _ in range(_TURNS)]
