"""MACs of recurrent operators against sums over their gates."""

import pytest

from tflite_tools.model_graph import Tensor
from tflite_tools.model_graph.macs import count_macs

STEPS, BATCH, INPUT, CELLS, OUTPUT = 20, 3, 32, 64, 16


def tensor(*shape):
    return Tensor(0, "", shape, shape, "float32", False, 0, None, None)


def lstm_inputs(*shape, projected):
    """In the order of unidirectional_sequence_lstm.cc, with peepholes and biases."""
    state = OUTPUT if projected else CELLS
    gates = [tensor(CELLS, INPUT)] * 4 + [tensor(CELLS, state)] * 4
    vectors = [tensor(CELLS)] * 7
    projection = [tensor(OUTPUT, CELLS), tensor(OUTPUT)] if projected else [None, None]
    states = [tensor(BATCH, state), tensor(BATCH, CELLS)]
    return (tensor(*shape), *gates, *vectors, *projection, *states)


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        (
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            lstm_inputs(STEPS, 1, INPUT, projected=False),
            20 * 4 * 64 * (32 + 64),  # 491,520
        ),
        (
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            lstm_inputs(BATCH, STEPS, INPUT, projected=True),
            3 * 20 * (4 * 64 * (32 + 16) + 16 * 64),
        ),
        ("LSTM", lstm_inputs(BATCH, INPUT, projected=False), 3 * 4 * 64 * (32 + 64)),
        (
            "LSTM",  # the basic kernel: gates and weights in one matrix
            (
                *(tensor(BATCH, INPUT), tensor(BATCH, CELLS)),
                *(tensor(4 * CELLS, INPUT + CELLS), tensor(4 * CELLS), tensor(BATCH, CELLS)),
            ),
            3 * 4 * 64 * (32 + 64),
        ),
        (
            "RNN",
            (tensor(BATCH, INPUT), tensor(CELLS, INPUT), tensor(CELLS, CELLS), tensor(CELLS)),
            3 * 64 * (32 + 64),
        ),
        (
            "UNIDIRECTIONAL_SEQUENCE_RNN",
            (tensor(1, STEPS, INPUT), tensor(CELLS, INPUT), tensor(CELLS, CELLS), tensor(CELLS)),
            20 * 64 * (32 + 64),
        ),
        (
            "SVDF",  # of 64 filters of rank 1 with a memory of 10
            (tensor(BATCH, INPUT), tensor(64, INPUT), tensor(64, 10), None, tensor(BATCH, 640)),
            3 * 64 * (32 + 10),
        ),
    ],
)
def test_products_of_matrices(name, inputs, expected):
    assert count_macs(name, inputs, (tensor(BATCH, CELLS),)) == expected


def test_a_gate_that_is_left_out_costs_nothing():
    inputs = list(lstm_inputs(STEPS, 1, INPUT, projected=False))
    inputs[1] = inputs[5] = None  # input and forget gate coupled
    got = count_macs("UNIDIRECTIONAL_SEQUENCE_LSTM", tuple(inputs), ())
    assert got == 20 * 3 * 64 * (32 + 64)


def test_both_directions():
    one = lstm_inputs(STEPS, 1, INPUT, projected=False)
    inputs = (*one[:18], *one[1:18], *one[18:], *one[18:], *[None] * 9)
    got = count_macs("BIDIRECTIONAL_SEQUENCE_LSTM", inputs, ())
    assert got == 2 * 20 * 4 * 64 * (32 + 64)
