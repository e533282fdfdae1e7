"""Folders with runs as `benchmark_android` writes them, made without a phone."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from support.phone.printing import printed_classic
from support.stored_phone import PHONE, STATE

from tflite_tools.android.judging import Reference
from tflite_tools.android.records import PlannedRun
from tflite_tools.android.records_on_disk import FinishedRun, RunFolder, StoredPhone
from tflite_tools.evaluation_file import save_evaluation
from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.records import EvaluationRecord

FLAGS = {"gpu": "use_gpu", "nnapi": "use_nnapi", "hexagon": "use_hexagon"}


@pytest.fixture(scope="session")
def operators(files):
    """How many operators each file has."""
    from ai_edge_litert import schema_py_generated as schema

    def count(path):
        model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        return len(model.subgraphs[0].operators)

    return {precision: count(path) for precision, path in files.items()}


@pytest.fixture(scope="session")
def right_outputs(files):
    """What each file answers on this machine to the input that phones get, as bytes."""
    return {
        precision: _output_bytes(Reference(path, 0.05))
        for precision, path in files.items()
        if precision != "float16"
    }


def _output_bytes(reference):
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(reference.model.path))
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    sample = np.frombuffer(reference.sample, given["dtype"]).reshape(given["shape"])
    interpreter.set_tensor(given["index"], sample)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"]).tobytes()


@pytest.fixture
def models(files, tmp_path):
    """Copies of the files that a test may change."""
    folder = tmp_path / "models"
    folder.mkdir()
    return {
        precision: Path(shutil.copy(files[precision], folder / f"net_{precision}.tflite"))
        for precision in ("float32", "int8")
    }


@pytest.fixture
def run_dir(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def planned():
    """Function that plans a run."""

    def make(file, delegate="cpu", repeat=1, *, threads=4, sha256=None, extra=()):
        flag = FLAGS.get(delegate.partition(":")[0])
        argv = (
            *(
                "bench",
                "--graph=/data/local/tmp/1.tflite",
                f"--num_threads={threads}",
                "--num_runs=50",
            ),
            *((f"--{flag}=true",) if flag else ()),
            *extra,
        )
        content = file.read_bytes()
        words = [file.stem, delegate, str(threads), str(repeat), *extra]
        key = "-".join("".join(s if s.isalnum() else "_" for s in word) for word in words)
        digest = sha256 or hashlib.sha256(content).hexdigest()
        return PlannedRun(key, file, digest, "classic", delegate, threads, repeat, argv, "/out")

    return make


@pytest.fixture
def keep(run_dir, operators, right_outputs):
    """Function that keeps runs of a phone: pairs of a planned run and how it ends.

    It ends with "ok", "fallback", "partial", "refused", "silent", "wrong", "crash", "cut off" or
    "missing", well but with an output that is "cut" or "none", and a latency in microseconds.
    """

    def write(runs, device=PHONE, folder=run_dir, state=STATE):
        kept = RunFolder(folder, device.serial)
        kept.save_phone(StoredPhone(device, 0.05, tuple(run for run, _, _ in runs)))
        for run, behaviour, latency in runs:
            if behaviour != "missing":
                _keep_one(kept, run, behaviour, latency, state)
        return next(path.parent for path in folder.glob("*/phone.json"))

    def _keep_one(kept, run, behaviour, latency, state):
        precision = "int8" if "int8" in run.file.name else "float32"
        flags = dict(word.removeprefix("--").split("=", 1) for word in run.argv[1:])
        said = "ok" if behaviour in ("cut", "none") else behaviour
        printed = printed_classic(flags, said, latency, operators[precision])
        ended = behaviour not in ("crash", "cut off")
        text = printed.errors + printed.start + (printed.end if ended else "")
        kept.partial_log(run).write_text(text if not printed.failed else printed.errors)
        output = right_outputs[precision]
        if behaviour == "wrong":
            output = output[len(output) // 2 :] + output[: len(output) // 2]
        elif behaviour == "cut":
            output = output[:-1]
        elif behaviour == "none":
            output = None
        code = 139 if behaviour == "crash" else 1 if printed.failed else 0
        kept.save(run, FinishedRun(code, state, state), output if code == 0 else None)

    return write


@pytest.fixture
def evaluate(run_dir):
    """Function that keeps an evaluation: top-1 by file."""

    def write(top1, *, samples=200, source="digits", folder=run_dir, hashed=True):
        records = tuple(
            EvaluationRecord(file, samples, share, share, 1e-5, 1e-6)
            for file, share in top1.items()
        )
        path = save_evaluation(EvaluationReport(records, None, source), folder)
        if not hashed:
            content = json.loads(path.read_text())
            del content["sha256"]
            path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def mixed(keep, planned, evaluate, models):
    """Runs of every kind, and accuracies: float32 90 %, int8 87.5 %."""
    float32, int8 = models["float32"], models["int8"]
    evaluate({float32: 0.9, int8: 0.875})
    return keep(
        [
            (planned(float32, "cpu", 1), "ok", 3000),
            (planned(float32, "cpu", 2), "ok", 3200),
            (planned(float32, "gpu", 1), "ok", 1500),
            (planned(float32, "gpu", 2), "crash", 0),
            (planned(int8, "cpu", 1), "ok", 900),
            (planned(int8, "gpu", 1), "wrong", 700),
            (planned(int8, "nnapi", 1), "fallback", 950),
            (planned(int8, "hexagon", 1), "partial", 500),
            (planned(int8, "cpu", 2), "missing", 0),
        ]
    )
