"""What a training step keeps for its backward pass."""

from pathlib import Path

import pytest
from keras.backend import backend
from support.programs import measured

pytestmark = [
    pytest.mark.skipif(backend() != "tensorflow", reason="measures tensorflow"),
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc"),
]


def test_recomputation_halves_the_memory_of_a_step():
    assert measured("step_memory.py", "auto", 4) < 0.5 * measured("step_memory.py", "direct", 4)


def test_groups_take_no_memory_of_their_own():
    assert measured("step_memory.py", "auto", 8) < 1.2 * measured("step_memory.py", "auto", 2)
