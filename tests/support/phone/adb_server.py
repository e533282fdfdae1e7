"""The real adb server, on a port and with a home of its own."""

import contextlib
import os
import socket
import subprocess
import time

SECONDS_TO_CONNECT = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def adb_server(home):
    """Starts the server; yields the environment in which clients find it."""
    import adbutils

    env = {
        "ANDROID_ADB_SERVER_PORT": str(free_port()),
        "HOME": str(home),
        "ADB_MDNS": "0",
        "ADBUTILS_ADB_PATH": adbutils.adb_path(),
    }
    whole = {**os.environ, **env}
    adb = env["ADBUTILS_ADB_PATH"]
    # Its daemon keeps the output of the client open: a pipe would never end.
    options = {"env": whole, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([adb, "start-server"], check=True, timeout=60, **options)
    try:
        yield env
    finally:
        subprocess.run([adb, "kill-server"], check=False, timeout=60, **options)


def state_of(client, serial):
    """What adb says of a phone; None if it does not list it."""
    return {info.serial: info.state for info in client.list()}.get(serial)


def wait_for_state(client, serial, *states):
    """Waits until adb has noticed."""
    deadline = time.monotonic() + SECONDS_TO_CONNECT
    while state_of(client, serial) not in states:
        assert time.monotonic() < deadline, (serial, state_of(client, serial))
        time.sleep(0.02)
