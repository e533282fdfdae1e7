"""Qualcomm's compiler for the tests: what the wheel onnxruntime-qnn carries of its SDK."""

import importlib.util
from pathlib import Path

import pytest


def libraries():
    """The folder with the libraries; None where the wheel is not installed."""
    # Found, not imported: it would load ONNX Runtime.
    spec = importlib.util.find_spec("onnxruntime_qnn")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])
    return folder if (folder / "libQnnHtp.so").is_file() else None


needs_compiler = pytest.mark.skipif(
    libraries() is None,
    reason="needs Qualcomm's compiler: pip install onnxruntime-qnn (wheels for x86-64 Linux)",
)
