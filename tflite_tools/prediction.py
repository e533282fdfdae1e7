"""A .tflite file over many samples, on several threads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.samples import AnyArray, FloatArray, as_float32
from tflite_tools.thread_counts import usable_cores

# So many batches are one piece of work: few enough that all threads end at about the same time.
_BATCHES = 16

Prepare = Callable[[FloatArray], FloatArray]
Progress = Callable[[int], None]


def predict(
    model: LiteModel,
    samples: Any,
    *,
    workers: int | None = None,
    prepare: Prepare | None = None,
    progress: Progress | None = None,
) -> FloatArray:
    """Runs a model on any number of samples and returns one output row for each.

    Every worker has a thread and an interpreter of its own; LiteRT lets go of Python's lock while
    a model runs. The batches, and so the outputs, are the same for any number of workers.

    Args:
        model: The file to run; it is the first worker's.
        samples: `(N, ...)` real values of the model's input shape.
        workers: The number of workers; None for one on each core that this process may use.
        prepare: What the samples have to undergo first, some at a time; None for nothing.
        progress: Called with the number of samples that have been done since the last call; by
            any of the workers, but never by two at once.
    """
    count = usable_cores() if workers is None else workers
    if not isinstance(count, int) or count < 1:
        raise ToolError(f"workers: expected 1 or more, got {count}.")
    array = model.checked(samples)
    pieces = -(-len(array) // (_BATCHES * model.batch_size))
    models = [model, *(model.another() for _ in range(min(count, pieces) - 1))]
    work = _Work(array, _BATCHES * model.batch_size, prepare, progress)
    if len(models) == 1:
        work.share_of(model)
    else:
        _in_threads(work, models)
    return np.concatenate([work.done[start] for start in sorted(work.done)])


@dataclass
class _Work:
    """The samples, cut into pieces that the workers take in turn."""

    samples: AnyArray
    piece: int
    prepare: Prepare | None
    progress: Progress | None
    done: dict[int, FloatArray] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: int = 0

    def share_of(self, model: LiteModel) -> None:
        """Runs one worker's model over pieces until there are none left, or any worker fails."""
        try:
            self._run(model)
        except BaseException:
            self.stop.set()
            raise

    def _run(self, model: LiteModel) -> None:
        for start in self._starts():
            rows = []
            piece = as_float32(self.samples[start : start + self.piece])
            for batch in model.outputs(piece if self.prepare is None else self.prepare(piece)):
                if self.stop.is_set():
                    return
                rows.append(batch)
            with self.lock:
                self.done[start] = np.concatenate(rows)
                if self.progress is not None:
                    self.progress(len(self.done[start]))

    def _starts(self) -> Iterator[int]:
        while True:
            with self.lock:
                start = self.taken
                self.taken += self.piece
            if start >= len(self.samples):
                return
            yield start


def _in_threads(work: _Work, models: list[LiteModel]) -> None:
    """Raises the first exception of any worker, or a KeyboardInterrupt that comes meanwhile."""
    with ThreadPoolExecutor(len(models)) as pool:
        try:
            for share in as_completed([pool.submit(work.share_of, model) for model in models]):
                share.result()
        finally:
            work.stop.set()
