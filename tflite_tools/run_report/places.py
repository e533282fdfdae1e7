"""The phones and computers that files ran on."""

from dataclasses import dataclass

from tflite_tools.android.records import DeviceInfo
from tflite_tools.host import HostReport
from tflite_tools.naming import distinct
from tflite_tools.run_report.coverage import target_of
from tflite_tools.run_report.reading import Sources
from tflite_tools.run_report.records import Place


@dataclass(frozen=True)
class Places:
    """All places, each with a name that no other has.

    Attributes:
        hosts: Of the computers, in the order of the sources.
        phones: Of the phones, likewise.
    """

    hosts: tuple[Place, ...]
    phones: tuple[Place, ...]

    @property
    def all(self) -> tuple[Place, ...]:
        """The computers and the phones."""
        return (*self.hosts, *self.phones)

    @property
    def targets(self) -> tuple[str, ...]:
        """What the phones are as targets, each once."""
        return tuple(dict.fromkeys(place.target for place in self.phones if place.target))


def find_places(sources: Sources, target: str | None) -> Places:
    """Names the phones and computers.

    Args:
        sources: The records.
        target: What all phones are taken for; None for what each is.
    """
    hosts = list(sources.hosts.values())
    devices = [phone.device for phone in sources.phones]
    candidates = [
        *([host.machine.cpu, f"{host.machine.cpu}, {host.machine.system}"] for host in hosts),
        *([device.model, f"{device.model} ({device.serial})"] for device in devices),
    ]
    names = distinct(candidates)
    return Places(
        hosts=tuple(map(_host, hosts, names)),
        phones=tuple(
            _phone(device, name, target or target_of(device.soc))
            for device, name in zip(devices, names[len(hosts) :], strict=True)
        ),
    )


def _host(report: HostReport, name: str) -> Place:
    machine = report.machine
    cores = f"{machine.cores} core{'' if machine.cores == 1 else 's'}"
    return Place(name, f"{cores}, {machine.system}, LiteRT {machine.litert}", None)


def _phone(device: DeviceInfo, name: str, target: str) -> Place:
    level = "" if device.api_level is None else f", API level {device.api_level}"
    details = (
        f"{device.soc or 'unknown chip'}, Android {device.android or '?'}{level}, "
        f"{device.abi or 'unknown instruction set'}, adb calls it {device.serial}"
    )
    return Place(name, details, target)
