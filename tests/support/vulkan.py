"""Whether there is a Vulkan driver for LiteRT's GPU path."""

import os

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.gpu import find_driver


def _problem():
    try:
        find_driver()
    except ToolError as error:
        return str(error)
    return ""


needs_driver = pytest.mark.skipif(bool(_problem()), reason=_problem())


def environment():
    """What chooses the driver, for a process that gets no other variables."""
    return {key: value for key, value in os.environ.items() if key.startswith("VK_")}
