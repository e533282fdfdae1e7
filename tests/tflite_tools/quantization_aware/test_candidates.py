"""Which of two files is kept."""

import pytest

from tflite_tools.quantization_aware.candidates import Candidate, better
from tflite_tools.quantization_aware.records import QatFigures


def candidate(network, top1, agreement, error):
    return Candidate(b"", QatFigures(network, top1, agreement, error, 1.0))


@pytest.mark.parametrize(
    ("trained", "post_training", "kept"),
    [
        ((0.90, 0.9, 0.1), (0.90, 0.9, 0.3), "qat"),  # the mean error decides
        ((0.90, 0.9, 0.3), (0.90, 0.9, 0.1), "ptq"),
        ((0.95, 0.9, 0.3), (0.90, 0.9, 0.1), "ptq"),
        ((0.88, 0.8, 0.1), (0.90, 0.9, 0.3), "qat"),  # 2 of 100: √(0.9 · 0.1 / 100) is 3
        ((0.86, 0.9, 0.1), (0.90, 0.9, 0.3), "ptq"),  # too many labels are lost
        ((0.99, 0.9, 0.1), (1.00, 0.9, 0.3), "qat"),  # one of 100 is chance, whatever the share
        ((0.98, 0.9, 0.1), (1.00, 0.9, 0.3), "ptq"),
        ((None, None, 0.1), (None, None, 0.3), "qat"),  # without labels or classes
        ((None, None, 0.3), (None, None, 0.1), "ptq"),
        ((0.90, 0.9, 0.1), (0.90, 0.9, 0.1), "ptq"),  # the same network
    ],
)
def test_the_better_one_is_kept(trained, post_training, kept):
    chosen = better(candidate("qat", *trained), candidate("ptq", *post_training), samples=100)
    assert chosen.figures.network == kept
