"""Which phones adb sees, and what keeps the others from being used."""

from collections.abc import Sequence
from typing import Any

from tflite_tools.errors import ToolError

_READY = "device"
# So long adb may be silent while a file is pushed or pulled.
_SECONDS = 60.0
_REMEDIES = {
    "unauthorized": "confirm the question on its screen",
    "authorizing": "confirm the question on its screen",
    "offline": "unplug it and plug it in again",
    "no permissions": "add udev rules for it",
}
_HOW_TO_CONNECT = (
    "Connect a phone with USB debugging switched on (or `adb connect HOST:PORT`) and confirm the "
    "question on its screen; `adb devices` has to list it as `device`."
)


def connected_phones(serials: Sequence[str] | None) -> tuple[list[Any], list[str]]:
    """Finds the phones to use.

    Args:
        serials: Those wanted; None for all.

    Returns:
        An `adbutils.AdbDevice` for each phone that can be used, and a line for each that cannot.

    Raises:
        ToolError: There is none to use, or one that was named is missing.
    """
    client, states = _client_and_states()
    for serial in serials or ():
        if serial not in states:
            raise ToolError(
                f"expected the phone {serial!r}, but adb lists {', '.join(states) or 'none'}. "
                + _HOW_TO_CONNECT
            )
    wanted = list(dict.fromkeys(serials)) if serials else list(states)
    usable = [client.device(serial) for serial in wanted if states[serial] == _READY]
    problems = [
        f"{serial}: {states[serial]}; {_REMEDIES.get(states[serial], 'it cannot be used so')}."
        for serial in wanted
        if states[serial] != _READY
    ]
    if not usable:
        found = " ".join(problems) or "adb lists none."
        raise ToolError(f"expected a connected phone: {found} {_HOW_TO_CONNECT}")
    return usable, problems


def _client_and_states() -> tuple[Any, dict[str, str]]:
    try:
        import adbutils
    except ImportError as error:
        raise ToolError(
            "benchmarks on phones need adbutils: pip install 'keras-finet[android]'"
        ) from error
    try:
        client = adbutils.AdbClient(socket_timeout=_SECONDS)
        return client, {info.serial: info.state for info in client.list()}
    # Of subprocess if adb cannot be run, and of int() for a port that is none.
    except (adbutils.AdbError, OSError, ValueError, EOFError) as error:
        raise ToolError(
            f"the adb server cannot be reached: {error}. `adb start-server` tells why."
        ) from error
