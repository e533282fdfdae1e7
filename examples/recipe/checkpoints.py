"""All that a run needs to go on as if it had never stopped, in one file.

Keras' `BackupAndRestore` writes several files in turn, so that a kill or a full disk leaves parts
of two states, and knows nothing of a position inside an epoch's data. Here the file is replaced as
a whole, after it has been written.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from command_line import InputError

from recipe.building import optimizers
from tflite_tools.errors import ToolError
from tflite_tools.output_folder import whole_file

CHECKPOINT = "checkpoint.npz"
_HEADER = "header"


class NotFiniteError(ValueError):
    """A state with NaN or infinite values, which is not worth keeping."""


@dataclasses.dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: The epoch to go on with, counted from 0; the number of epochs when all is done.
        step: The step of that epoch to go on with.
        history: A row of figures for each finished epoch.
        sums: Of the metrics over the steps of an unfinished epoch.
    """

    epoch: int = 0
    step: int = 0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    sums: list[np.ndarray] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        return f"epoch {self.epoch + 1}, step {self.step}"


class CheckpointFile:
    """The checkpoint of one run.

    Args:
        folder: Where it is.
        configuration: What the weights depend on: a checkpoint of another one is refused.
        writes: Whether this process writes it; of several workers one does, all read it.
        option: By which the user chose the folder, for messages.
    """

    def __init__(
        self,
        folder: Path,
        configuration: dict[str, Any],
        *,
        writes: bool = True,
        option: str = "--out",
    ) -> None:
        self.path = folder / CHECKPOINT
        self._option = option
        self._configuration = configuration
        self._writes = writes

    def save(self, model: Any, progress: Progress) -> None:
        """Replaces the checkpoint, or leaves it as it is and raises.

        Raises:
            NotFiniteError: if a weight is NaN or infinite.
            InputError: if the file cannot be written.
        """
        arrays = list(map(value_of, _state(model)))
        if not all(np.isfinite(array).all() for array in arrays):
            raise NotFiniteError
        if not self._writes:
            return
        header = {
            "configuration": self._configuration,
            "epoch": progress.epoch,
            "step": progress.step,
            "history": progress.history,
            "sums": len(progress.sums),
        }
        content = io.BytesIO()
        np.savez(content, *progress.sums, *arrays, **{_HEADER: np.array(json.dumps(header))})
        try:
            with whole_file(self.path) as temporary, temporary.open("wb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
        except ToolError as error:
            kept = "The last one is kept: make" if self.path.exists() else "Make"
            raise InputError(f"{error} {kept} room and run the same command again.") from error

    def restore(self, model: Any) -> Progress:
        """Puts the saved state into a compiled model; nothing happens if there is none.

        Raises:
            InputError: if the checkpoint is of another configuration or damaged.
        """
        if not self.path.exists():
            return Progress()
        header, arrays = self._read()
        self._check_configuration(header["configuration"])
        sums, values = arrays[: header["sums"]], arrays[header["sums"] :]
        variables = _state(model)
        if [value.shape for value in values] != [tuple(each.shape) for each in variables]:
            raise InputError(
                f"{self.path}: expected the {len(variables)} arrays of {model.name}, got "
                f"{len(values)} of other shapes. Choose another {self._option}."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return Progress(header["epoch"], header["step"], header["history"], sums)

    def _read(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            # Opened here: np.load leaves what is no archive open.
            with self.path.open("rb") as file, np.load(file) as stored:
                header = json.loads(stored[_HEADER].item())
                arrays = [stored[f"arr_{index}"] for index in range(len(stored.files) - 1)]
                return header, arrays
        except (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.path}: the checkpoint cannot be read ({type(error).__name__}). Remove it "
                f"to start again, or choose another {self._option}."
            ) from error

    def _check_configuration(self, other: dict[str, Any]) -> None:
        ours = json.loads(json.dumps(self._configuration))
        if other == ours:
            return
        names = [name for name in {**ours, **other} if ours.get(name) != other.get(name)]
        differences = ", ".join(
            f"{name.replace('_', ' ')} {other.get(name)} there and {ours.get(name)} here"
            for name in names
        )
        raise InputError(
            f"{self.path}: is the checkpoint of another configuration: {differences}. Choose "
            f"another {self._option}, or the same options."
        )


def value_of(variable: keras.Variable) -> np.ndarray:
    """A variable's value; of what the replicas of a strategy count apart, the sum."""
    # Only on its way to a tensor is it added up.
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))


def _state(model: Any) -> list[keras.Variable]:
    """Weights, moving statistics, states of random numbers, moments, averages and steps."""
    seen: dict[int, keras.Variable] = {}
    for owner in (model, *optimizers(model)):
        for variable in owner.variables:
            seen.setdefault(id(variable), variable)
    return list(seen.values())
