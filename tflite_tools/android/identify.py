"""Which phone this is, by its own properties, and how warm it is."""

import re
from collections.abc import Mapping, Set
from dataclasses import replace

from tflite_tools.android.connection import Connection
from tflite_tools.android.records import DeviceInfo, DeviceState
from tflite_tools.printable import shown

_SOC_MODELS = {
    "SM8150": "Snapdragon 855",
    "SDM710": "Snapdragon 710",
    "kirin980": "Kirin 980",
}
# Before Android 12 no property names the chip; these follow from it. The model does not: a Galaxy
# S10e has a Snapdragon or an Exynos.
_PLATFORMS = {
    "msmnile": "Snapdragon 855",
    "sdm710": "Snapdragon 710",
    "kirin980": "Kirin 980",
    "exynos9820": "Exynos 9820",
}
_PLATFORM_PROPERTIES = ("ro.board.platform", "ro.hardware", "ro.hardware.chipname")
# `read` starts no process: fifty of them would warm up what is measured here.
_ZONES = (
    "for z in /sys/class/thermal/thermal_zone*; do "
    'read -r t < $z/temp && read -r n < $z/type && echo "zone $t $n"; done 2>/dev/null; '
    "for c in /sys/devices/system/cpu/cpu[0-9]*; do "
    "read -r m < $c/cpufreq/cpuinfo_max_freq && read -r f < $c/cpufreq/scaling_cur_freq && "
    'echo "core ${c##*cpu} $m $f"; done 2>/dev/null'
)
# Which cores there are and which of them are on, as lists such as "0-3,6".
_CORES = "; ".join(
    f'read -r l < /sys/devices/system/cpu/{which} && echo "{which} $l"'
    for which in ("present", "online")
)
_RANGE = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)
# Android 10 has a service that judges the temperature; the other one tells of the screen.
_SERVICES = (
    'echo "thermal $(dumpsys thermalservice 2>/dev/null | grep -m 1 "Thermal Status:")"; '
    'echo "screen $(dumpsys power 2>/dev/null | grep -m 1 mWakefulness=)"'
)
_AWAKE = re.compile(r"mWakefulness=(\w+)")
_PLAUSIBLE = (-30.0, 150.0)


def identify(connection: Connection) -> DeviceInfo:
    """Asks a phone what it is."""
    properties = _properties(connection.run(["getprop"]).output.decode(errors="replace"))
    _, cores = _zones_and_cores(connection)
    on, off = _cores_on_and_off(connection, set(cores))
    get = properties.get
    level = get("ro.build.version.sdk", "")
    return DeviceInfo(
        serial=connection.serial,
        model=f"{get('ro.product.manufacturer', '')} {get('ro.product.model', '')}".strip()
        or "unknown model",
        soc=soc_name(properties),
        android=get("ro.build.version.release"),
        api_level=int(level) if level.isascii() and level.isdigit() else None,
        abi=get("ro.product.cpu.abi"),
        abis=tuple(filter(None, get("ro.product.cpu.abilist", "").split(","))),
        max_frequencies={core: highest for core, (highest, _) in cores.items() if core in on},
        cores_off=off,
    )


def with_known_cores(device: DeviceInfo, before: DeviceInfo) -> DeviceInfo:
    """A phone with the frequencies of the cores that are off now and were on before."""
    if (device.serial, device.model, device.soc) != (before.serial, before.model, before.soc):
        return device
    missing = before.max_frequencies.keys() - device.max_frequencies.keys()
    known = {**before.max_frequencies, **device.max_frequencies}
    return replace(
        device,
        max_frequencies=dict(sorted(known.items())),
        cores_off=tuple(sorted({*device.cores_off, *missing})),
    )


def soc_name(properties: Mapping[str, str]) -> str | None:
    """The name of the system on a chip, from `getprop`."""
    model = properties.get("ro.soc.model", "")
    if model and model.lower() != "unknown":
        return _SOC_MODELS.get(model, model)
    platforms = [value for name in _PLATFORM_PROPERTIES if (value := properties.get(name))]
    known = (_PLATFORMS[value.lower()] for value in platforms if value.lower() in _PLATFORMS)
    return next(known, platforms[0] if platforms else None)


def read_state(connection: Connection) -> DeviceState:
    """The temperatures and frequencies at the moment, and what Android says of them."""
    temperatures, cores = _zones_and_cores(connection)
    thermal_status = screen_on = None
    for line in connection.run(_SERVICES).output.decode(errors="replace").splitlines():
        match line.split():
            case ["thermal", "Thermal", "Status:", status] if _all_digits(status):
                thermal_status = int(status)
            case ["screen", word] if found := _AWAKE.fullmatch(word):
                screen_on = found[1] == "Awake"
    frequencies = {core: now for core, (_, now) in cores.items()}
    return DeviceState(temperatures, frequencies, thermal_status, screen_on)


def _cores_on_and_off(
    connection: Connection, telling: Set[int]
) -> tuple[Set[int], tuple[int, ...]]:
    """Those of the cores telling their frequency that are on, and all that are off."""
    lists: dict[str, set[int]] = {}
    for line in connection.run(_CORES).output.decode(errors="replace").splitlines():
        match line.split():
            case ["present" | "online" as which, cores]:
                lists[which] = _numbers(cores)
    on = telling & lists.get("online", telling)
    # A phone that tells no frequency is not measured on cores of our choice.
    return on, tuple(sorted(lists.get("present", set()) - on)) if on else ()


def _numbers(cores: str) -> set[int]:
    found = (_RANGE.fullmatch(part) for part in cores.split(","))
    return {core for one in found if one for core in range(int(one[1]), int(one[2] or one[1]) + 1)}


def _properties(text: str) -> dict[str, str]:
    pairs = (line.split("]: [", 1) for line in text.splitlines() if line.startswith("["))
    return {pair[0][1:]: shown(pair[1].removesuffix("]")) for pair in pairs if len(pair) == 2}


def _zones_and_cores(connection: Connection) -> tuple[dict[str, float], dict[int, tuple[int, int]]]:
    temperatures: dict[str, float] = {}
    cores: dict[int, tuple[int, int]] = {}
    for line in connection.run(_ZONES).output.decode(errors="replace").splitlines():
        match line.split():
            case ["zone", value, *words] if (degrees := _degrees(value)) is not None:
                temperatures[" ".join(words) or f"zone {len(temperatures)}"] = degrees
            case ["core", core, highest, now] if _all_digits(core, highest, now):
                cores[int(core)] = (int(highest), int(now))
    return temperatures, dict(sorted(cores.items()))


def _all_digits(*values: str) -> bool:
    return all(value.isascii() and value.isdigit() and len(value) < 12 for value in values)


def _degrees(text: str) -> float | None:
    """Kernels give thousandths, tenths or whole degrees."""
    if not _all_digits(text.removeprefix("-")):
        return None
    value = float(text)
    for scale in (1.0, 10.0, 1000.0):
        if _PLAUSIBLE[0] < value / scale < _PLAUSIBLE[1]:
            return value / scale
    return None
