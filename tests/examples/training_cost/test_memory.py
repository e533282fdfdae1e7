"""The memory of functions whose need is known."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from training_cost.memory import MALLOC_ENVIRONMENT, resident_peak_bytes

MIB = 2**20
EXAMPLES = Path(__file__).parents[3] / "examples"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux' /proc")

# One run at a time: overlapping blocks, blocks that follow each other, then overlapping ones again.
PROGRAM = """
from training_cost.memory import resident_peak_bytes

kept = []

def overlapping():
    blocks = [b"x" * 2**20 for _ in range(48)]
    kept.append(b"y" * 5000)  # above the blocks: a heap that grew for them could not shrink

def one_after_another():
    for _ in range(48):
        b"x" * 2**20

held = b"x" * (100 * 2**20)
for function in (overlapping, overlapping, one_after_another, overlapping):
    print(resident_peak_bytes(function))
"""


@linux
def test_every_repeat_shows_the_whole_need():
    """Blocks of 1 MiB, which glibc would keep for itself after the first time."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **MALLOC_ENVIRONMENT, "PYTHONPATH": str(EXAMPLES)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    peaks = [int(line) / MIB for line in process.stdout.split()]
    assert peaks == pytest.approx([48, 48, 1, 48], abs=1)


def test_a_system_that_cannot_tell(tmp_path):
    called = []
    assert resident_peak_bytes(lambda: called.append(True), process=tmp_path / "none") is None
    assert not called
