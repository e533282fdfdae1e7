"""The examples as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_example(name, *arguments):
    # PYTHONPATH: the checkout's packages, whether or not they are installed.
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,  # on a machine with much else to do
    )


def assert_refused(process, name, *fragments):
    """The example ended with exit code 2 and one line that holds the fragments."""
    assert process.returncode == 2, process.stderr
    message = process.stderr.splitlines()[-1]
    assert message.startswith(name)
    for fragment in fragments:
        assert fragment in message
    assert "Traceback" not in process.stderr
    assert process.stdout == ""
