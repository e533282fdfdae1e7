"""Which of two files is kept."""

import pytest

from tflite_tools.qat.candidates import Candidate, better
from tflite_tools.qat.records import QatFigures


def candidate(network, top1, agreement, error):
    return Candidate(b"", QatFigures(network, top1, agreement, error, 1.0))


@pytest.mark.parametrize(
    ("trained", "post_training", "kept"),
    [
        ((0.9, 0.8, 0.3), (0.8, 0.9, 0.1), "qat"),  # labels decide
        ((0.8, 0.9, 0.1), (0.9, 0.8, 0.3), "ptq"),
        ((0.9, 0.9, 0.3), (0.9, 0.8, 0.1), "qat"),  # then agreement
        ((None, 0.8, 0.1), (None, 0.9, 0.3), "ptq"),
        ((None, None, 0.1), (None, None, 0.3), "qat"),  # then the error
        ((None, None, 0.3), (None, None, 0.1), "ptq"),
        ((0.9, 0.9, 0.1), (0.9, 0.9, 0.1), "qat"),
    ],
)
def test_the_better_one_is_kept(trained, post_training, kept):
    chosen = better(candidate("qat", *trained), candidate("ptq", *post_training))
    assert chosen.figures.network == kept
