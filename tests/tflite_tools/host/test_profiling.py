"""Operators timed by LiteRT's real profiler."""

import shutil
import sys

import keras
import numpy as np
import pytest

from tflite_tools import benchmark_host, convert
from tflite_tools.errors import ToolError
from tflite_tools.host import profiling
from tflite_tools.host.litert_library import CompiledFile, Library
from tflite_tools.host.profiling import profile_operators
from tflite_tools.interpreter import LiteModel
from tflite_tools.model_graph import read_graph


@pytest.fixture(scope="module")
def lopsided_file(tmp_path_factory):
    """A file with a 5×5 convolution of 840 million multiply-accumulates, and hardly any others."""
    image = keras.Input((128, 128, 1))
    x = keras.layers.Conv2D(32, 1, name="small")(image)
    x = keras.layers.Conv2D(64, 5, padding="same", name="large")(x)
    x = keras.layers.MaxPooling2D(64)(x)
    model = keras.Model(image, keras.layers.Conv2D(5, 1, name="last")(x))
    folder = tmp_path_factory.mktemp("lopsided")
    return convert(model, folder, precisions=["float32"], batch_size=1).records[0].file


@pytest.mark.parametrize("threads", [1, 2])
def test_the_large_convolution_takes_the_time(lopsided_file, threads):
    profile = profile_operators(lopsided_file, threads)
    assert sum(op.share for op in profile) == pytest.approx(1)
    largest = max(profile, key=lambda op: op.share)
    assert largest.share > 0.8
    assert largest.op.startswith("Delegate/Convolution")
    assert largest.mean_ms == pytest.approx(largest.share * sum(op.mean_ms for op in profile))
    kernels = [op.op.split()[0] for op in profile]
    assert kernels[-1] in ("Delegate/Fully", "Delegate/Convolution")
    assert "Delegate/Max" in kernels


def test_what_xnnpack_did_not_take_has_its_own_name(files):
    profile = profile_operators(files["int8"], 1)
    assert [op.op for op in profile if not op.op.startswith("Delegate/")] == ["SOFTMAX"]
    # Operators of XNNPACK may do the work of several of the file's.
    assert 0 < len(profile) <= 2 * len(read_graph(files["int8"].read_bytes()).operators)


def test_what_is_profiled_computes_what_the_file_computes(files):
    """The C interface is used rightly: its input is ours, and its output that of the file."""
    model = LiteModel(files["float32"])
    sample = np.random.default_rng(1).standard_normal((1, *model.sample_shape)).astype("float32")
    compiled = CompiledFile(str(files["float32"]), 2)
    compiled.write_input(model.encoded(sample))
    compiled.profile(2)
    expected = model.predict(sample)
    output = compiled.output(expected.nbytes)
    np.testing.assert_allclose(
        np.frombuffer(output, "float32").reshape(expected.shape), expected, rtol=1e-5, atol=1e-7
    )


# In a process of its own: in this one the threads of other tests come and go.
THREADS = """
import sys
from pathlib import Path
from tflite_tools.host.litert_library import CompiledFile

def threads():
    return len(list(Path("/proc/self/task").iterdir()))

before = threads()
kept = []
for count in (1, 4):
    kept.append(CompiledFile(sys.argv[1], count))
    kept[-1].profile(1)
    print(threads() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the threads")
def test_the_number_of_threads_is_obeyed(files, run_python):
    assert run_python("-c", THREADS, files["float32"]).stdout.split() == ["0", "3"]


def test_of_a_build_without_a_profiler_it_is_said_and_the_rest_is_measured(
    files, monkeypatch, tmp_path
):
    def refuse(function, arguments):
        if function is profiling.profile:
            raise ToolError("this version of LiteRT has no function LiteRtGetProfileSummary")
        return {"init_ms": 1.0, "peak_memory_mb": 2.0}

    for place in ("profiling", "benchmark"):
        monkeypatch.setattr(f"tflite_tools.host.{place}.run_in_worker", refuse)
    twice = tmp_path / "other" / files["float32"].name
    twice.parent.mkdir()
    shutil.copy(files["float32"], twice)
    both = benchmark_host([files["float32"], twice], rounds=1, op_profile=True)
    assert any(line.startswith(f"other/{twice.name}: the op") for line in both.complaints())
    report = benchmark_host([files["float32"]], rounds=1, op_profile=True)
    assert report.complaints()[0] == (
        f"{files['float32'].name}: the operators cannot be timed: this version of LiteRT has no "
        "function LiteRtGetProfileSummary."
    )
    assert report.records[0].median_ms > 0
    assert report.records[0].op_profile == ()


def test_a_function_that_is_missing_and_one_that_fails():
    library = Library()
    with pytest.raises(ToolError, match="this version of LiteRT has no function LiteRtNone"):
        library.call("LiteRtNone")
    with pytest.raises(ToolError, match=r"LiteRtCreateProfiler failed with status [1-9]"):
        library.call("LiteRtCreateProfiler", -1, None)


def test_profile_in_the_report(lopsided_file):
    report = benchmark_host([lopsided_file], rounds=1, op_profile=True)
    assert report.records[0].op_profile
    text = str(report)
    assert f"Operators of {lopsided_file.name}, 1 thread" in text
    assert "XNNPACK" in text
