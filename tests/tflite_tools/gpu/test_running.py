"""A real GPU path, on whatever Vulkan driver there is; SwiftShader runs everywhere."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from support.operator_zoo import SHAPE, zoo_file
from support.vulkan import environment, needs_driver

from tflite_tools import convert
from tflite_tools.delegates import delegate_report
from tflite_tools.errors import ToolError
from tflite_tools.gpu import GpuReport, run_on_gpu
from tflite_tools.interpreter import LiteModel
from tflite_tools.model_graph import read_graph
from tflite_tools.quiet import silenced

# An int8 file goes through floats on the GPU: a value on the edge of two steps may round up.
_ONE_STEP = 1.01


pytestmark = needs_driver


@pytest.fixture
def zoo_path(tmp_path):
    def path(*arguments, **options):
        file = tmp_path / "zoo.tflite"
        file.write_bytes(zoo_file(*arguments, **options))
        return file

    return path


def predicted(path):
    return delegate_report(read_graph(path.read_bytes()), "gpu-opencl")


@pytest.mark.parametrize(
    "network", ["activations", "arithmetic", "convolutions", "grouped", "large_weights", "pooling"]
)
def test_what_the_rules_accept_runs_and_agrees(network, zoo_path):
    path = zoo_path(network)
    assert predicted(path).coverage == "full"
    record = run_on_gpu(path, runs=1)
    assert record.comparison.max_abs_error <= 1e-5 * record.largest_output
    assert record.comparison.samples == 8


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_other_precisions_agree(precision, zoo_path):
    path = zoo_path("squeeze_excite", precision)
    assert predicted(path).coverage == "full"
    record = run_on_gpu(path, runs=1)
    step = 1 / 256 if precision == "int8" else 0.0  # of a softmax
    assert record.comparison.max_abs_error <= max(_ONE_STEP * step, 1e-5)
    assert record.comparison.agreement == 1 or precision == "int8"


def test_what_the_rules_refuse_is_refused_with_its_reasons(zoo_path):
    path = zoo_path("shapes")
    assert {d.op for d in predicted(path).decisions if d.status == "refused"} == {
        "RESHAPE",
        "TRANSPOSE",
    }
    with pytest.raises(ToolError) as caught:
        run_on_gpu(path)
    assert str(caught.value) == (
        f"{path}: the GPU does not take RESHAPE (Tensor dimensions must be less than 5), "
        "TRANSPOSE (Permutation for transpose is invalid)."
    )


@pytest.mark.parametrize("network", ["convolutions", "large_weights"])
def test_a_size_that_is_known_late_makes_it_fail_as_predicted(network, zoo_path):
    path = zoo_path(network, batch_size=None)
    assert "known only when the model runs" in predicted(path).verdict
    with pytest.raises(ToolError, match="GPU path fails: Failed to modify graph with delegate"):
        run_on_gpu(path)


def test_a_crash_of_the_gpu_path_is_one_line(zoo_path):
    # The product of a tensor with itself ended the process of LiteRT 2.3.
    try:
        run_on_gpu(zoo_path("attention"), runs=1)
    except ToolError as error:
        assert "LiteRT's GPU path ends its process: Check failed" in str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


def test_samples_of_ones_own_and_any_number(zoo_path):
    path = zoo_path("squeeze_excite")
    samples = np.random.default_rng(5).normal(size=(3, *SHAPE)).astype("float32")
    record = run_on_gpu(path, samples, runs=2)
    assert (record.comparison.samples, record.runs) == (3, 2)
    assert run_on_gpu(path, samples, limit=2, runs=1).comparison.samples == 2
    with pytest.raises(ToolError, match=r"samples: expected shape \(N, 8, 8, 8\)"):
        run_on_gpu(path, samples[:, :4])
    with pytest.raises(ToolError, match="runs: expected 1 or more, got 0"):
        run_on_gpu(path, samples, runs=0)


def test_images_undergo_what_the_file_says(model, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), "uint8")
    Image.fromarray(pixels).save(folder / "0.png")
    (converted,) = convert(model, tmp_path / "out", preprocessing="tf").records
    found = {
        name: run_on_gpu(converted.file, folder, preprocessing=name, runs=1).largest_output
        for name in (None, "tf", "torch")
    }
    lite = LiteModel(converted.file)
    assert found[None] == np.abs(lite.predict(pixels[None] / np.float32(127.5) - 1)).max()
    assert found[None] == found["tf"] != found["torch"]


def test_a_file_that_takes_pixels_gets_pixels(model, tmp_path):
    (converted,) = convert(model, tmp_path / "out", include_preprocessing=True).records
    record = run_on_gpu(converted.file, runs=1)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3))
    assert record.largest_output == np.abs(LiteModel(converted.file).predict(pixels)).max()
    assert record.comparison.max_abs_error <= 1e-5
    with pytest.raises(ToolError, match="samples: expected pixels from 0 to 255"):
        run_on_gpu(converted.file, pixels / 255, runs=1)


def test_the_time_of_a_run_holds_the_gpus_work(tmp_path):
    import tensorflow as tf

    image = keras.Input((64, 64, 32), batch_size=1)
    x = image
    for _ in range(3):
        x = keras.layers.Conv2D(32, 3, padding="same")(x)
    large = tmp_path / "large.tflite"
    with silenced():
        model = keras.Model(image, keras.layers.GlobalMaxPooling2D()(x))
        large.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    record = run_on_gpu(large, runs=5)
    # 113 million multiply-accumulates take SwiftShader 150 ms here; starting them takes 0.05 ms.
    assert record.median_ms > 5 or not record.software
    assert record.p95_ms >= record.median_ms > 0
    assert record.compile_ms > 0


def test_the_report_says_if_the_gpu_is_a_program(zoo_path):
    record = run_on_gpu(zoo_path("grouped"), runs=1)
    text = str(GpuReport((record,)))
    assert f"on {record.device}" in text
    assert "zoo.tflite" in text
    if "SwiftShader" in record.device:
        assert record.software
        assert "This GPU is a program" in text


def test_the_command(run_cli, zoo_path):
    path = zoo_path("squeeze_excite")
    result = run_cli("run-gpu", path, "--runs", "2", env=environment())
    assert (result.returncode, result.stderr) == (0, "")
    assert "100.0%" in result.stdout


def test_a_file_that_fails_does_not_keep_others_from_it(run_cli, zoo_path, files):
    refused = zoo_path("shapes")
    arguments = ("run-gpu", refused, files["float32"], "--runs", 1, "--json")
    result = run_cli(*arguments, env=environment())
    assert result.returncode == 2
    report = json.loads(result.stdout)
    assert [record["passed"] for record in report["records"]] == [True]
    (failure,) = report["failures"]
    assert failure["file"] == str(refused)
    assert result.stderr == f"tflite-tools: {failure['reason']}\n"


def test_the_command_refuses_in_one_line(run_cli, zoo_path):
    result = run_cli("run-gpu", zoo_path("shapes"), env=environment())
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
