"""Measuring in processes of their own: one that dies takes no other result with it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from training_cost.plan import Comparison

EXAMPLES = Path(__file__).parents[1]


def ask_worker(
    comparison: Comparison, environment: dict[str, str] | None = None, **request: Any
) -> dict[str, Any]:
    """Runs a worker in a fresh process and returns its answer.

    Where the process dies the answer is `{"failed": reason}`.
    """
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "request.json"), Path(folder, "result.json")
        content = {"comparison": dataclasses.asdict(comparison), **request}
        question.write_text(json.dumps(content), encoding="utf-8")
        # Its output is kept from the terminal: the frameworks are noisy.
        process = subprocess.run(
            [sys.executable, "-m", "training_cost.worker", question, answer],
            env={**os.environ, **_environment(comparison.backend), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if process.returncode or not answer.exists():
            return {"failed": _reason(process)}
        return json.loads(answer.read_text(encoding="utf-8"))


def _environment(backend: str) -> dict[str, str]:
    found = os.environ.get("PYTHONPATH")
    return {
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join([str(EXAMPLES), *([found] if found else [])]),
    }


def _reason(process: subprocess.CompletedProcess[str]) -> str:
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        hint = ", probably for want of memory" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    said = f": {lines[-1].strip()}" if lines else ""
    return f"its process ended with exit code {process.returncode}{said}"
