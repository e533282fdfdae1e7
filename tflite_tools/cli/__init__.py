"""The command line: dispatch and exit codes only, one module for each command."""

import contextlib
import os
import sys
from typing import Any, NoReturn

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
from tflite_tools.cli.output import complain, occupy_closed_output, writing_out
from tflite_tools.errors import ToolError

_NAME = "tflite-tools"
_USER_ERROR = 2


def main() -> None:
    """Runs the command line; a user's mistake is one line and exit code 2."""
    if "--verbose" not in sys.argv:
        # Read when TensorFlow is imported: its C++ side logs errors only.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    occupy_closed_output()
    arguments = sys.argv[1:] or ["--help"]
    try:
        with writing_out("the help") if "--help" in arguments else contextlib.nullcontext():
            code = app(arguments, prog_name=_NAME, standalone_mode=False)
        sys.exit(code)
    except ToolError as error:
        _refuse(str(error))
    except Exception as error:
        # Typer's usage errors are Click's, which it imports or, since 0.29, holds itself.
        if not hasattr(error, "format_message"):
            raise
        _refuse(f"{_sentence(error.format_message())} See {_command(error)} --help.")


def _refuse(message: str) -> NoReturn:
    complain([message])
    sys.exit(_USER_ERROR)


def _sentence(text: str) -> str:
    return f"{' '.join(text.split()).rstrip('.')}."


def _command(error: Any) -> str:
    if error.ctx is not None:
        return str(error.ctx.command_path)
    # The parser's own errors, such as of an option without its value, do not say whose it is.
    named = sys.argv[1:2]
    return " ".join([_NAME, *named]) if named and named[0] in _commands() else _NAME


def _commands() -> set[str]:
    return {
        info.name or info.callback.__name__.replace("_", "-")
        for info in app.registered_commands
        if info.callback is not None
    }
