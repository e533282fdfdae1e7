"""What the package exports is imported when it is first used, and is never hidden by a module."""

import pkgutil

import pytest

import tflite_tools


@pytest.mark.parametrize("name", tflite_tools.__all__)
def test_every_name_is_there_and_is_no_module(name):
    modules = [each.name for each in pkgutil.iter_modules(tflite_tools.__path__)]
    assert name not in modules
    assert getattr(tflite_tools, name).__name__ == name
    assert name in dir(tflite_tools)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'tflite_tools' has no attribute 'convrt'"):
        _ = tflite_tools.convrt


def test_importing_the_package_imports_no_part_of_it(run_python):
    printed = run_python(
        "-c", "import sys, tflite_tools; print([n for n in sys.modules if 'tflite_tools.' in n])"
    ).stdout
    assert printed.strip() == "[]"
