"""The phone itself: its files, its properties, and what can go wrong with it."""

import contextlib
import os
import signal
import socket
import threading

from support.phone.engine import Engine
from support.phone.protocol import Connection
from support.phone.services import serve_shell, serve_sync

S10E = {
    "ro.product.manufacturer": "samsung",
    "ro.product.model": "SM-G970U",
    "ro.product.device": "beyond0q",
    "ro.board.platform": "msmnile",
    "ro.hardware": "qcom",
    "ro.soc.model": "SM8150",
    "ro.soc.manufacturer": "QTI",
    "ro.build.version.release": "12",
    "ro.build.version.sdk": "31",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.build.fingerprint": "samsung/beyond0q/12",
}
# Four small cores, three big ones, and a bigger one.
FREQUENCIES = [1785600] * 4 + [2419200] * 3 + [2841600]

_TOOLS = {
    "getprop": """\
if [ $# = 0 ]; then sed 's/^\\([^=]*\\)=\\(.*\\)$/[\\1]: [\\2]/' "$PHONE_ROOT/props"
else sed -n "s/^$1=//p" "$PHONE_ROOT/props"; fi
""",
    "dumpsys": 'cat "$PHONE_ROOT/dumpsys.$1" 2>/dev/null || echo "Can\'t find service: $1"\n',
    "taskset": 'echo "$1" >> "$PHONE_ROOT/taskset.log"\nshift\nexec "$@"\n',
    "df": 'echo "Filesystem 1K-blocks Used Available Use% Mounted on"\n'
    'echo "/dev/fuse 1000 1000 $(cat "$PHONE_ROOT/free") 100% /data"\n',
}


class Phone:
    """A phone on a loopback port of its own.

    Args:
        root: An empty folder for its files.
        properties: What `getprop` says; a Galaxy S10e's by default.
        state: "device", "unauthorized" or "offline".
    """

    def __init__(self, root, properties=None, state="device"):
        self.root = root
        self.state = state
        self.properties = {**S10E, **(properties or {})}
        self.commands = []
        self.processes = []
        self.temperature = 35.0
        # What Android says; None on phones that do not tell.
        self.thermal_status = 0
        self.wakefulness = "Awake"
        # What goes wrong; tests replace these.
        self.while_pushing = lambda path, content: None
        self.refusal_of = lambda path, content: None
        self.as_stored = lambda path, content: content
        self.on_shell = lambda command: None
        self._connections = []
        self._lay_out()
        self.engine = Engine(self)
        self.engine_socket = self.engine.path
        self._port = 0
        self.plug_in()

    @property
    def serial(self):
        return f"127.0.0.1:{self._port}"

    @property
    def folder(self):
        """`/data/local/tmp`, as it lies on this machine."""
        return self.root / "data/local/tmp"

    def plug_in(self):
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def unplug(self):
        # A listener that another thread waits on lives until it is shut down.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def close(self):
        self.unplug()
        self.engine.close()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def before_shell(self, command):
        self.on_shell(command)
        zone = self.root / "sys/class/thermal/thermal_zone0/temp"
        zone.write_text(f"{self.temperature * 1000:.0f}\n")
        self._tell(
            "thermalservice",
            "IsStatusOverride: false\nThermalEventListeners:\n\tcallbacks: 1\n"
            f"Thermal Status: {self.thermal_status}\nCached temperatures:\n"
            "\tTemperature{mValue=25.6, mType=0, mName=AP, mStatus=0}\n",
            known=self.thermal_status is not None,
        )
        self._tell(
            "power",
            "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n  mDirty=0x0\n"
            f"  mWakefulness={self.wakefulness}\n  mWakefulnessChanging=false\n",
            known=self.wakefulness is not None,
        )

    def _tell(self, service, text, *, known):
        path = self.root / f"dumpsys.{service}"
        path.write_text(text) if known else path.unlink(missing_ok=True)

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            # Small messages follow each other: each would wait for 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if self.state == "offline":
                self._connections.append(sock)  # accepted, and never answered
                continue
            connection = Connection(sock, self._serve, self._banner(), self.state == "device")
            self._connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def _banner(self):
        names = {"name": "device", "model": "model", "device": "device"}
        described = "".join(
            f"ro.product.{key}={self.properties[f'ro.product.{name}']};"
            for key, name in names.items()
        )
        return f"device::{described}features=shell_v2,cmd".encode()

    def _serve(self, service, stream):
        if service.startswith(("shell", "exec")):
            serve_shell(self, service, stream)
        elif service == "sync:":
            serve_sync(self, stream)

    def _lay_out(self):
        self.folder.mkdir(parents=True)
        tools = self.root / "bin"
        tools.mkdir()
        for name, script in _TOOLS.items():
            (tools / name).write_text(f"#!/bin/sh\n{script}")
            (tools / name).chmod(0o755)
        (self.root / "props").write_text(
            "".join(f"{name}={value}\n" for name, value in self.properties.items())
        )
        (self.root / "free").write_text("1000000")
        for index, (kind, value) in enumerate((("cpu-0-0", 35000), ("battery", 310))):
            zone = self.root / f"sys/class/thermal/thermal_zone{index}"
            zone.mkdir(parents=True)
            (zone / "type").write_text(f"{kind}\n")
            (zone / "temp").write_text(f"{value}\n")
        cpus = self.root / "sys/devices/system/cpu"
        cpus.mkdir(parents=True)
        for which in ("present", "online"):
            (cpus / which).write_text(f"0-{len(FREQUENCIES) - 1}\n")
        for core, frequency in enumerate(FREQUENCIES):
            folder = cpus / f"cpu{core}/cpufreq"
            folder.mkdir(parents=True)
            (folder / "cpuinfo_max_freq").write_text(f"{frequency}\n")
            (folder / "scaling_cur_freq").write_text(f"{frequency // 2}\n")
