"""The stand-in is worth something only if the real adb takes it for a phone."""

import hashlib

import pytest
from support.phone import state_of, wait_for_state


def test_adb_lists_it(client, phone):
    (info,) = client.list(extended=True)
    assert (info.serial, info.state) == (phone.serial, "device")
    assert info.tags["model"] == "SM_G970U"


def test_a_shell_with_an_exit_code_and_two_outputs(device):
    result = device.shell2("getprop ro.soc.model; echo problem >&2; exit 5", v2=True)
    assert (result.returncode, result.stdout, result.stderr) == (5, "SM8150\n", "problem\n")


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_001])
def test_files_there_and_back(device, phone, tmp_path, size):
    content = bytes(index * 7 % 251 for index in range(size))
    target = "/data/local/tmp/it's a file"
    device.sync.push(content, target, mode=0o640)
    assert (phone.folder / "it's a file").stat().st_mode & 0o777 == 0o640
    digest = device.shell2(["sha256sum", target], v2=True).stdout.split()[0]
    assert digest == hashlib.sha256(content).hexdigest()
    device.sync.pull_file(target, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content


def test_a_missing_file(adbutils, device):
    assert not device.sync.exists("/data/local/tmp/missing")
    with pytest.raises(adbutils.AdbError, match="No such file"):
        list(device.sync.iter_content("/data/local/tmp/missing"))


@pytest.mark.parametrize("state", ["unauthorized", "offline"])
def test_phones_that_cannot_be_used(adbutils, client, new_phone, state):
    phone = new_phone(state=state)
    with pytest.raises(adbutils.AdbError, match="device"):
        client.device(phone.serial).shell("true")


def test_an_unplugged_phone_is_missed_and_comes_back(adbutils, client, phone, device, connect):
    phone.unplug()
    wait_for_state(client, phone.serial, "offline", None)
    with pytest.raises(adbutils.AdbError, match=r"offline|not found"):
        device.shell("true")
    client.disconnect(phone.serial)
    phone.plug_in()
    connect(phone)
    assert state_of(client, phone.serial) == "device"
    assert device.shell("echo back") == "back"
