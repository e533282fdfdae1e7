"""The stand-in `benchmark_model`: a program to push, which asks the phone's engine to run."""

import sys

_PROGRAM = """\
#!{python} -SE
# flags of this kind of the tool: {flags}
import json, os, signal, socket, sys

with socket.socket(socket.AF_UNIX) as engine:
    engine.connect(os.environ["PHONE_ENGINE"])
    engine.sendall(json.dumps([{kind!r}, sys.argv[1:]]).encode() + b"\\n")
    for line in engine.makefile():
        event, value = json.loads(line)
        if event == "exit":
            sys.exit(value)
        if event == "signal":
            os.kill(os.getpid(), value)
        stream = sys.stdout if event == "out" else sys.stderr
        stream.buffer.write(value.encode("latin-1"))
        stream.flush()
sys.exit(3)
"""
_FLAGS = {"classic": "enable_op_profiling use_xnnpack", "litert": "dispatch_library_path use_npu"}


def write_binary(folder, kind="classic", name="benchmark_model"):
    """Writes a binary of a kind, "classic" or "litert"."""
    path = folder / name
    path.write_text(_PROGRAM.format(python=sys.executable, flags=_FLAGS[kind], kind=kind))
    return path
