"""Runs pushed models with LiteRT, and prints what the two tools called benchmark_model print."""

import json
import shutil
import signal
import socket
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from support.phone.printing import printed_classic, printed_litert


class Engine:
    """Serves one stand-in binary after the other.

    Attributes:
        runs: The arguments of every run, in order.
        behaviour: Called with the number of the run and its flags; says what happens: "ok",
            "fallback", "partial", "refused", "wrong", "crash", "hang", "garbage", "unplug",
            "fail", "silent" (as on builds that do not tell who ran the model) or "no output".
    """

    def __init__(self, phone):
        self.phone = phone
        self.runs = []
        self.behaviour = lambda number, flags: "ok"
        self.latency_us = 1000
        self.running = 0
        self.most_running = 0
        # A socket's path may have 107 characters.
        self._folder = tempfile.mkdtemp(prefix="phone")
        self.path = Path(self._folder) / "engine"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        shutil.rmtree(self._folder)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            kind, arguments = json.loads(client.makefile().readline())
            flags = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
            number = len(self.runs)
            self.runs.append({"kind": kind, **flags})
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            try:
                for event in self._events(kind, flags, self.behaviour(number, flags), client):
                    client.sendall(json.dumps(event).encode() + b"\n")
            except OSError:
                pass
            finally:
                self.running -= 1

    def _events(self, kind, flags, behaviour, client):
        if behaviour == "garbage":
            yield "out", bytes(range(256)).decode("latin-1") * 8
            yield "exit", 0
            return
        printed = (printed_classic if kind == "classic" else printed_litert)(
            flags, behaviour, self.latency_us, _operators(flags["graph"])
        )
        yield "out", printed.start
        if behaviour == "crash":
            yield "signal", int(signal.SIGSEGV)
        elif behaviour == "hang":
            client.settimeout(60)
            client.recv(1)  # until the program is killed
        elif behaviour == "unplug":
            time.sleep(0.05)  # what was printed is on its way
            self.phone.unplug()
            client.settimeout(60)
            client.recv(1)
        elif behaviour == "fail":
            yield "err", "ERROR: Failed to invoke the interpreter.\nERROR: Benchmarking failed.\n"
            yield "exit", 1
        else:
            yield "err", printed.errors
            if printed.failed:
                yield "exit", 1
            else:
                self._run_model(flags, behaviour)
                yield "out", printed.end
                yield "exit", 0

    def _run_model(self, flags, behaviour):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=flags["graph"])
        interpreter.allocate_tensors()
        given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        if "input_layer_value_files" in flags:
            name, _, path = flags["input_layer_value_files"].replace("\\:", "\0").rpartition(":")
            assert name.replace("\0", ":") == given["name"]
            assert flags["input_layer"] == given["name"]
            shape = [int(side) for side in flags["input_layer_shape"].split(",")]
            values = np.frombuffer(Path(path).read_bytes(), given["dtype"]).reshape(shape)
            interpreter.set_tensor(given["index"], values)
        interpreter.invoke()
        output = interpreter.get_tensor(result["index"])
        if flags.get("use_gpu") == "true" and output.dtype == np.float32:
            output = output.astype(np.float16).astype(np.float32)
        if behaviour == "wrong":
            output = np.roll(output, 1)
        if "output_filepath" in flags and behaviour != "no output":
            Path(flags["output_filepath"]).write_bytes(output.tobytes())


def _operators(path):
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(Path(path).read_bytes(), 0)
    return len(model.subgraphs[0].operators)
