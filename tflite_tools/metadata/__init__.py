"""TFLite metadata: what a file says of itself, in the form that Android's libraries read."""

from tflite_tools.metadata.container import read_buffer
from tflite_tools.metadata.label_file import check_label_count, load_labels
from tflite_tools.metadata.model_metadata import (
    ModelMetadata,
    check_labels,
    read_metadata,
    write_metadata,
)

__all__ = [
    "ModelMetadata",
    "check_label_count",
    "check_labels",
    "load_labels",
    "read_buffer",
    "read_metadata",
    "write_metadata",
]
