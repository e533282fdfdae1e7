"""Two replicas against the whole batch on one device."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from keras.backend import backend

from keras_finet.layers import FineGrainedBatchNorm

PROGRAM = Path(__file__).parents[1] / "support" / "two_replicas.py"


def two_replica_error(kernel_size, synchronized):
    run = subprocess.run(
        [sys.executable, str(PROGRAM), str(kernel_size), str(synchronized)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.skipif(backend() != "tensorflow", reason="tf.distribute is tensorflow's")
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_synchronized_step_equals_the_whole_batch(kernel_size):
    assert two_replica_error(kernel_size, synchronized=True) < 1e-5


@pytest.mark.skipif(backend() != "tensorflow", reason="tf.distribute is tensorflow's")
def test_without_synchronization_the_step_is_another():
    """The measurement above can fail: each replica's own statistics give other gradients."""
    assert two_replica_error(1, synchronized=False) > 1e-2


@pytest.mark.skipif(backend() == "tensorflow", reason="the other backends refuse it")
def test_other_backends_say_what_to_do():
    with pytest.raises(ValueError, match="`synchronized=True` is for the tensorflow backend"):
        FineGrainedBatchNorm(4, 1, synchronized=True)
