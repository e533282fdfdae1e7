"""The command line: dispatch and exit codes only, one module for each command."""

import os
import sys

# Imported for what they register.
from tflite_tools.cli import (  # noqa: F401
    benchmark,
    compile,
    convert,
    evaluate,
    inspect,
    qat,
    ranges,
    report,
    run_gpu,
)
from tflite_tools.cli.app import app
from tflite_tools.errors import ToolError

_USER_ERROR = 2


def main() -> None:
    """Runs the command line; a user's mistake is one message and exit code 2."""
    if "--verbose" not in sys.argv:
        # Read when TensorFlow is imported: its C++ side logs errors only.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app()
    except ToolError as error:
        print(f"tflite-tools: {error}", file=sys.stderr)
        sys.exit(_USER_ERROR)
