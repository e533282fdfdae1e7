"""Figures of every epoch as a CSV file and for TensorBoard."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow as tf
from command_line import InputError

from recipe.tensorflow_errors import reason
from tflite_tools.output_folder import whole_file

CSV = "epochs.csv"
TENSORBOARD = "tensorboard"
STEPS_BETWEEN = 100


class Logs:
    """The logs in the folder of a run.

    Args:
        folder: Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._csv = folder / CSV
        self._events = folder / TENSORBOARD
        with self._writing():
            self._writer = tf.summary.create_file_writer(str(self._events))

    def step(self, number: int, figures: Mapping[str, float]) -> None:
        """Notes the figures of an unfinished epoch, every hundred steps."""
        if number % STEPS_BETWEEN == 0:
            self._scalars("step", number, figures)

    def epochs(self, history: list[dict[str, float]]) -> None:
        """Writes the CSV file anew: a row that a killed run had written twice stands there once."""
        text = io.StringIO()
        names = list(history[-1]) if history else []
        table = csv.DictWriter(text, names, lineterminator="\n", restval="")
        table.writeheader()
        table.writerows(history)
        with whole_file(self._csv) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")

    def epoch(self, row: Mapping[str, float]) -> None:
        """Notes the figures of a finished epoch for TensorBoard."""
        figures = {name: value for name, value in row.items() if name != "epoch"}
        self._scalars("epoch", int(row["epoch"]), figures)
        with self._writing():
            self._writer.flush()

    def _scalars(self, group: str, number: int, figures: Mapping[str, float]) -> None:
        # tf.summary.scalar needs the package tensorboard, which only whoever looks at them needs.
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)
        with self._writing(), self._writer.as_default():
            for name, value in figures.items():
                tf.summary.write(f"{group}/{name}", float(value), step=number, metadata=metadata)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            raise InputError(
                f"{self._events}: TensorBoard's events cannot be written: {reason(error)}. Make "
                "room and run the same command again."
            ) from error


class NoLogs:
    """In place of `Logs` in a process that leaves writing to another."""

    def step(self, number: int, figures: Mapping[str, float]) -> None:
        pass

    def epochs(self, history: list[dict[str, float]]) -> None:
        pass

    def epoch(self, row: Mapping[str, float]) -> None:
        pass
