"""Stand-in phones, and the real adb to reach them."""

import threading
from pathlib import Path

import pytest
from support.phone import Phone, adb_server, wait_for_state, write_binary

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    # adbutils 2.12 does not close its socket where adb refuses what it asks for.
    ignored = pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(ignored)


@pytest.fixture(scope="session")
def adbutils():
    return pytest.importorskip("adbutils", reason="needs adbutils: pip install '.[android]'")


@pytest.fixture(scope="session")
def adb(adbutils, tmp_path_factory):
    """The environment in which clients find an adb server of the tests' own."""
    with adb_server(tmp_path_factory.mktemp("home")) as env:
        yield env


@pytest.fixture
def adb_env(adb, monkeypatch):
    for name, value in adb.items():
        monkeypatch.setenv(name, value)
    return adb


@pytest.fixture
def client(adbutils, adb_env):
    return adbutils.AdbClient(port=int(adb_env["ANDROID_ADB_SERVER_PORT"]))


@pytest.fixture
def connect(client):
    """Function that connects adb to a phone, and waits until adb knows its state."""

    def run(phone):
        # An answer takes ten seconds where the phone gives none.
        arguments = {"target": client.connect, "args": (phone.serial,), "daemon": True}
        threading.Thread(**arguments).start()
        expected = {"device": ["device"], "unauthorized": ["unauthorized", "authorizing"]}
        wait_for_state(client, phone.serial, *expected.get(phone.state, ["offline", "connecting"]))

    return run


@pytest.fixture
def new_phone(client, connect, tmp_path):
    """Function that makes a phone and connects it; all of them go after the test."""
    phones = []

    def make(**arguments):
        root = tmp_path / f"phone{len(phones)}"
        root.mkdir()
        phone = Phone(root, **arguments)
        phones.append(phone)
        connect(phone)
        return phone

    yield make
    for phone in phones:
        client.disconnect(phone.serial)
        phone.close()


@pytest.fixture
def phone(new_phone):
    return new_phone()


@pytest.fixture
def device(client, phone):
    return client.device(phone.serial)


@pytest.fixture
def binary(tmp_path):
    return write_binary(tmp_path)


@pytest.fixture
def litert_binary(tmp_path):
    return write_binary(tmp_path, "litert", "litert_benchmark_model")
