import json

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.model_card import trained_input_range


@pytest.fixture
def card(tmp_path):
    return tmp_path / "pets.v2.card.json"


@pytest.fixture
def model(tmp_path):
    return tmp_path / "pets.v2.keras"


def test_a_card_beside_the_model(card, model):
    assert trained_input_range(model) is None
    card.write_text('{"input_range": [-2, 2.5], "classes": 3}')
    assert trained_input_range(model) == trained_input_range(str(model)) == (-2.0, 2.5)
    assert trained_input_range(object()) is None


def test_a_card_need_not_tell_the_range_unless_it_is_given(card, model):
    card.write_text('{"classes": 3}')
    assert trained_input_range(model) is None
    with pytest.raises(ToolError, match=r'card\.json: expected the key "input_range": \[low, high'):
        trained_input_range(model, card)


def test_a_given_card_counts_more(card, model, tmp_path):
    card.write_text('{"input_range": [0, 1]}')
    other = tmp_path / "other.json"
    other.write_text('{"input_range": [0, 255]}')
    assert trained_input_range(model, other) == (0, 255)
    with pytest.raises(ToolError, match=r"missing.json: expected a readable model card: No such f"):
        trained_input_range(model, tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "model card in JSON, but Expecting value"),
        (b"{", "in JSON, but Expecting property name"),
        (b"\xff\xfe", "in JSON, but "),
        (b"[0, 1]", "a JSON object, got a list"),
        *(
            (json.dumps({"input_range": value}).encode(), "two numbers of which the second")
            for value in (None, 1, [0], [0, 1, 2], [1, 0], [1, 1], ["0", "1"], "01", [0, 1e999])
        ),
        (b'{"input_range": [NaN, 1]}', "two numbers of which the second is larger, got .NaN, 1"),
    ],
)
def test_a_malformed_card_is_one_line(card, model, content, message):
    card.write_bytes(content)
    with pytest.raises(ToolError, match=message) as caught:
        trained_input_range(model)
    assert str(card) in str(caught.value)
    assert "\n" not in str(caught.value)
