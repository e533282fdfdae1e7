"""The programs of this folder, each of which measures something in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def program_environment():
    """In which the packages and the modules of the examples are found, installed or not."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "examples")])}


def measured(program, *arguments):
    """Runs a program and returns what it prints last."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__).parent / program), *map(str, arguments)],
        env=program_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])
