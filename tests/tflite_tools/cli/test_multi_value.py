import pytest

from tflite_tools.cli.multi_value import _expanded

ONE_BY_ONE = ["m.keras", "--precision", "float32", "--precision", "int8", "-o", "out"]


@pytest.mark.parametrize(
    "args",
    [
        ["m.keras", "--precision", "float32", "int8", "-o", "out"],
        ["m.keras", "--precision=float32", "int8", "-o", "out"],
        ["m.keras", "--precision", "float32", "--precision", "int8", "-o", "out"],
    ],
)
def test_several_values_are_repeated_options(args):
    expanded = [part for arg in _expanded(args, {"--precision"}) for part in arg.split("=")]
    assert expanded == ONE_BY_ONE


def test_a_model_file_ends_the_values():
    args = ["--precision", "float32", "int8", "m.keras", "more"]
    expanded = ["--precision", "float32", "--precision", "int8", "m.keras", "more"]
    assert list(_expanded(args, {"--precision"})) == expanded


def test_other_options_take_one_value():
    args = ["-o", "out", "extra", "--json", "extra"]
    assert list(_expanded(args, {"--precision"})) == args
