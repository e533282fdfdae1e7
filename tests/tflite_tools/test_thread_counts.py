import pytest

from tflite_tools.errors import ToolError
from tflite_tools.thread_counts import checked_threads


def test_each_number_once_in_order():
    assert checked_threads(4) == (4,)
    assert checked_threads([2, 1, 2]) == (2, 1)


@pytest.mark.parametrize("given", [0, -1, [], [1, 0], ["2"], "2", [1.5], None, [True]])
def test_no_numbers_of_threads(given):
    with pytest.raises(ToolError, match="threads: expected one or more numbers from 1 on, got"):
        checked_threads(given)
