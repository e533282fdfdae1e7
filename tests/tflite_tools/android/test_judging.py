from pathlib import Path

import numpy as np
import pytest
from support import benchmark_logs as logs

from tflite_tools.android.judging import Reference, judge, measured
from tflite_tools.android.records import PlannedRun
from tflite_tools.android.records_on_disk import FinishedRun, RunFolder
from tflite_tools.android.reporting import AndroidReport
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel

MORE = "a larger --timeout repeats it"


@pytest.fixture(scope="module", params=["float32", "int8"])
def reference(request, files):
    return Reference(files[request.param], 0.05)


@pytest.fixture
def raw_output(reference):
    """What the interpreter writes for the input that phones get."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(reference.model.path))
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    values = np.frombuffer(reference.sample, given["dtype"]).reshape(given["shape"])
    interpreter.set_tensor(given["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"])


def plan(file, delegate="gpu", output="/data/local/tmp/tflite_tools/output"):
    return PlannedRun("key", file, "0" * 64, "classic", delegate, 4, 1, ("b",), output)


def judged(reference, log, output, delegate="gpu", code=0):
    stored = (FinishedRun(code, None, None), log, output)
    return judge(plan(reference.model.path, delegate), "S1", "log", stored, reference)


def test_the_same_output_has_no_error(reference, raw_output):
    run = judged(reference, logs.CLASSIC_GPU, raw_output.tobytes())
    assert (run.output.max_abs_error, run.output.same_top1, run.output.passed) == (0, True, True)
    assert (run.ran_on, run.problem) == ("gpu", None)
    assert measured(run)


def test_another_output(reference, raw_output):
    run = judged(reference, logs.CLASSIC_GPU, np.roll(raw_output, 1).tobytes())
    expected = reference.model.decoded(raw_output.tobytes())
    error = np.abs(np.roll(expected, 1) - expected).max()
    assert run.output.max_abs_error == pytest.approx(error, rel=1e-6)
    assert run.output.relative_error == pytest.approx(error / expected.max(), rel=1e-6)
    assert not run.output.passed
    assert run.problem.startswith("its output differs from this machine's CPU by ")


@pytest.mark.parametrize("content", [b"", b"123", b"\0" * 10_000])
def test_an_output_of_another_size(reference, content):
    run = judged(reference, logs.CLASSIC_GPU, content)
    assert run.output is None
    assert run.wrong_output
    assert "of another size" in run.problem


def test_an_output_that_is_not_finite(files):
    reference = Reference(files["float32"], 0.05)
    content = np.full((1, 5), np.nan, np.float32).tobytes()
    run = judged(reference, logs.CLASSIC_GPU, content)
    assert "NaN" in run.problem
    assert not AndroidReport(Path(), (), (run,), (), ()).passed


@pytest.mark.parametrize(
    ("log", "delegate", "ran_on"),
    [
        (logs.CLASSIC_GPU, "gpu", "gpu"),
        (logs.PARTIAL, "gpu", "gpu"),
        (logs.FALLBACK, "gpu", "cpu"),
        (logs.FALLBACK.replace("INFO: Use gpu: [1]\n", ""), "nnapi", None),
        (logs.CLASSIC_GPU, "cpu", "cpu"),
        (logs.CLASSIC_GPU, "nnapi", None),
        (logs.NNAPI, "nnapi:qti-dsp", "nnapi"),
        (logs.NNAPI.replace("[qti-dsp]", "[nnapi-reference]"), "nnapi:nnapi-reference", "cpu"),
        (logs.OF_2019, "gpu", None),
        (logs.OP_PROFILE, "gpu", None),
        (logs.LITERT, "gpu", "gpu"),
    ],
)
def test_whose_figures_they_are(files, log, delegate, ran_on):
    assert judged(Reference(files["float32"], 0.05), log, None, delegate).ran_on == ran_on


def test_an_xnnpack_log_is_the_cpus_whatever_was_asked_for(files):
    log = logs.FALLBACK.replace("INFO: Use gpu: [1]\n", "")
    log = log.replace("WARN: GPU acceleration is unsupported on this platform.\n", "")
    assert judged(Reference(files["float32"], 0.05), log, None, "gpu").ran_on == "cpu"


@pytest.mark.parametrize(
    ("code", "log", "problem"),
    [
        (None, logs.CLASSIC_GPU[:200], f"stopped, as it did not end in time; {MORE}"),
        (1, logs.FAILED, "Disallowed CPU fallback detected."),
        (139, "", "ended by the signal SIGSEGV"),
        (3, "", "ended with exit code 3"),
        (0, "", "its log holds no result"),
        (0, logs.CLASSIC_GPU[:-400], "its log holds no result"),
    ],
)
def test_runs_that_failed(files, code, log, problem):
    run = judged(Reference(files["float32"], 0.05), log, None, code=code)
    assert run.problem == problem
    assert not measured(run)


def test_a_damaged_record_is_one_message(files, tmp_path):
    folder, run = RunFolder(tmp_path, "S1"), plan(files["int8"])
    folder.partial_log(run).write_text("log")
    folder.save(run, FinishedRun(0, None, None), None)
    assert folder.load(run)[1] == "log"
    (record,) = tmp_path.rglob("key.json")
    record.write_text(record.read_text()[:-5])
    with pytest.raises(ToolError, match=r"key\.json: not the record of a run.* Remove it"):
        folder.load(run)


def test_serials_that_differ_only_in_signs_have_folders_of_their_own(tmp_path):
    RunFolder(tmp_path, "a:1")
    RunFolder(tmp_path, "a_1")
    RunFolder(tmp_path, "../..")
    assert len(list(tmp_path.iterdir())) == 3


def test_the_bytes_of_an_input(files):
    model = LiteModel(files["float32"])
    batch = np.arange(16 * 16 * 3, dtype="float32").reshape(1, 16, 16, 3)
    assert model.encoded(batch) == batch.tobytes()
