"""Images and labels of a TFDS data set that has been prepared on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from command_line import InputError

from tflite_tools.quiet import silenced
from tflite_tools.tfds_source import image_features, prepared_builder

EVALUATION_SPLITS = ("validation", "test")
# Records wait, encoded, in a buffer of this size for their turn: all of CIFAR, 9,000 of ImageNet's.
SHUFFLE_BYTES = 2**30
FILES_AT_ONCE = 16


class TfdsSource:
    """A `Source` whose records are shuffled by file, then in a buffer.

    Args:
        name: As `tfds.builder` takes it.
        limits: At most so many images to train and to evaluate on; None for all.
        data_dir: Where data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self, name: str, limits: tuple[int | None, int | None], data_dir: Path | None
    ) -> None:
        self.name = name
        with silenced():
            self._builder = prepared_builder(name, data_dir)
            features = image_features(name, self._builder.info)
        self.version = str(self._builder.version)
        if features.label is None or features.class_names is None:
            raise InputError(f"{name}: expected a data set with class labels, got one without.")
        self.class_names = features.class_names
        self._image, self._label = features.image, features.label
        splits = self._builder.info.splits
        evaluation = next((split for split in EVALUATION_SPLITS if split in splits), None)
        if "train" not in splits or evaluation is None:
            raise InputError(
                f"{name}: expected the splits train and validation (or test), got "
                f"{', '.join(splits)}."
            )
        self._train, self._evaluation = (
            split if limit is None else f"{split}[:{limit}]"
            for split, limit in zip(("train", evaluation), limits, strict=True)
        )
        self.train_size = splits[self._train].num_examples
        self.evaluation_size = splits[self._evaluation].num_examples

    def training_records(self, order_seed: int, skip: int = 0) -> Any:
        import tensorflow_datasets as tfds

        # What is skipped has to be read all the same: TFRecord files have no index.
        reading = tfds.ReadConfig(
            shuffle_seed=order_seed,
            shuffle_reshuffle_each_iteration=False,
            interleave_cycle_length=FILES_AT_ONCE,
        )
        records = self._records(self._train, reading, shuffle_files=True)
        return records.shuffle(
            self._buffer_size(), seed=order_seed, reshuffle_each_iteration=False
        ).skip(skip)

    def evaluation_records(self) -> Any:
        import tensorflow_datasets as tfds

        return self._records(self._evaluation, tfds.ReadConfig(), shuffle_files=False)

    def _records(self, split: str, reading: Any, *, shuffle_files: bool) -> Any:
        import tensorflow_datasets as tfds

        reading.try_autocache = False
        reading.skip_prefetch = True
        with silenced():
            rows = self._builder.as_dataset(
                split=split,
                shuffle_files=shuffle_files,
                read_config=reading,
                decoders={self._image: tfds.decode.SkipDecoding()},
            )
        return rows.map(lambda row: (row[self._image], row[self._label]))

    def _buffer_size(self) -> int:
        train = self._builder.info.splits["train"]
        mean_bytes = max(1, train.num_bytes // train.num_examples)
        return max(1, min(self.train_size, SHUFFLE_BYTES // mean_bytes))
