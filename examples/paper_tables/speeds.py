"""Table 4: inference speed of Finet and of the networks that the paper compares it with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import keras_finet
import tflite_tools
from paper_tables.comparison import Figure, PaperTable, Row
from paper_tables.complexities import applications
from paper_tables.speed_files import PRECISIONS, make_files
from tflite_tools.host import HostRecord
from tflite_tools.tables import formatted

PHONES = ("Galaxy S10e", "Honor V20", "Vivo X27")
SMOKE_SIDE = 64
NOTES = (
    "Images of 224 × 224 per second, one after the other; in brackets the time for one relative to "
    "Finet without SE: above 1 is slower. The paper measured PyTorch Mobile on phones' processors.",
    "Here it is LiteRT with XNNPACK and untrained weights: {machine}. ×N: with N threads. Files "
    "take turns; speeds are those of the median time.",
)
SMOKE_NOTE = f"Small networks at {SMOKE_SIDE} × {SMOKE_SIDE}, for a try: no figures of the paper's."


@dataclasses.dataclass(frozen=True)
class Network:
    """A network as the paper prints it, and how to build it.

    Attributes:
        name: As the paper calls it.
        speeds: Images per second on the three phones, as printed.
        build: Makes the network.
    """

    name: str
    speeds: tuple[str, str, str]
    build: Callable[[], Any]


Measured = dict[tuple[str, int], list[HostRecord]]


@dataclasses.dataclass(frozen=True)
class Goal:
    """What the times of networks relative to Finet without SE should be above."""

    precision: str
    threads: int
    networks: tuple[str, ...]
    above: float


NETWORKS = (
    Network(
        "Finet, without SE",
        ("7.80", "6.34", "2.45"),
        lambda: keras_finet.FinetLarge(squeeze_excite=False),
    ),
    Network("Finet, with SE", ("7.69", "6.17", "2.37"), keras_finet.FinetLarge),
    Network("ShufflenetV2", ("7.35", "5.99", "2.09"), lambda: keras_finet.ShuffleNetV2(alpha=1.5)),
    Network("MobileNetV2", ("3.98", "3.65", "1.42"), applications("MobileNetV2")),
    Network(
        "MobileNetV3",
        ("5.65", "4.82", "1.79"),
        # The other networks' files have no preprocessing inside.
        applications("MobileNetV3Large", include_preprocessing=False),
    ),
    Network("MnasNet", ("3.77", "3.74", "1.48"), keras_finet.MnasNet),
)
SMOKE_NETWORKS = (
    Network(
        "Finet, without SE",
        ("", "", ""),
        lambda: keras_finet.FinetSmall(
            squeeze_excite=False, classes=10, input_shape=(SMOKE_SIDE, SMOKE_SIDE, 3)
        ),
    ),
    Network(
        "ShufflenetV2",
        ("", "", ""),
        lambda: keras_finet.ShuffleNetV2(
            alpha=0.5, classes=10, input_shape=(SMOKE_SIDE, SMOKE_SIDE, 3)
        ),
    ),
)
HOMOGENEOUS_AND_MOBILE = ("ShufflenetV2", "MobileNetV2", "MobileNetV3")
GOALS = (
    Goal("float32", 1, HOMOGENEOUS_AND_MOBILE, 1.0),
    Goal("float32", 2, HOMOGENEOUS_AND_MOBILE, 1.05),
    Goal("int8", 1, ("MobileNetV2", "MobileNetV3"), 1.0),
    Goal("int8", 2, ("MobileNetV2", "MobileNetV3"), 1.0),
)


def table(
    smoke: bool,
    models: Path,
    threads: Sequence[int],
    rounds: int,
    binary: Sequence[Path],
    serial: Sequence[str],
) -> PaperTable:
    """Measures the networks of Table 4 on this machine, and on phones if there is a binary.

    Args:
        smoke: Two small networks in place of the paper's.
        models: The folder for .tflite files and raw results; what is there is used again.
        threads: The numbers of threads to measure with.
        rounds: How many turns each file gets on this machine.
        binary: Android builds of `benchmark_model`; none for no phones.
        serial: The phones to use; none for all.
    """
    networks = SMOKE_NETWORKS if smoke else NETWORKS
    files = make_files({network.name: network.build for network in networks}, models)
    columns: dict[str, list[Figure]] = {}
    if not smoke:
        for index, phone in enumerate(PHONES):
            columns[phone] = printed([float(network.speeds[index]) for network in networks])
    notes = list(NOTES)
    if binary:
        quick = {"runs": 5, "repeats": 1, "cool_down": 0.0} if smoke else {}
        columns |= on_phones(
            files,
            models / "phones",
            binaries=binary,
            serials=serial or None,
            threads=threads,
            **quick,
        )
    measured, complaints, machine = on_this_machine(files, models, threads, rounds)
    columns |= {
        f"{precision} ×{count}": computed([record.median_ms for record in records])
        for (precision, count), records in measured.items()
    }
    notes[1] = notes[1].format(machine=machine)
    notes += [SMOKE_NOTE] if smoke else verdicts(measured, [network.name for network in networks])
    notes += complaints
    rows = [
        Row((network.name,), {name: figures[index] for name, figures in columns.items()})
        for index, network in enumerate(networks)
    ]
    return PaperTable(
        "Table 4: images per second", ("network",), rows, tuple(notes), has_differences=False
    )


def on_this_machine(
    files: dict[str, list[Path]], models: Path, threads: Sequence[int], rounds: int
) -> tuple[Measured, list[str], str]:
    """Returns the records by precision and threads, complaints, and the machine."""
    measured: Measured = {}
    complaints: list[str] = []
    for precision in PRECISIONS:
        report = tflite_tools.benchmark_host(
            files[precision], models / f"host_{precision}", threads=threads, rounds=rounds
        )
        for count in threads:
            measured[precision, count] = [
                record for record in report.records if record.num_threads == count
            ]
        complaints += [f"{precision}: {line}" for line in report.complaints()]
    machine = report.machine
    return measured, complaints, f"{machine.cores} cores, {machine.cpu}, LiteRT {machine.litert}"


def on_phones(
    files: dict[str, list[Path]], folder: Path, *, threads: Sequence[int], **settings: Any
) -> dict[str, list[Figure]]:
    """Returns a column for each phone, precision and number of threads.

    Args:
        files: Those of each precision.
        folder: Where logs are kept; a run that is there is not repeated.
        threads: The numbers of threads.
        **settings: What else `benchmark_android` takes.
    """
    report = tflite_tools.benchmark_android(
        [file for precision in PRECISIONS for file in files[precision]],
        folder,
        threads=threads,
        **settings,
    )
    times = {
        (summary.serial, summary.num_threads, summary.file): summary.latency_ms
        for summary in report.summaries
    }
    return {
        f"{device.model}, {precision} ×{count}": computed(
            [times.get((device.serial, count, file)) for file in files[precision]]
        )
        for device in report.devices
        for precision in PRECISIONS
        for count in threads
    }


def printed(speeds: Sequence[float]) -> list[Figure]:
    """The paper's speeds, with the relative times that follow."""
    return [Figure(f"{speed:.2f} ({speeds[0] / speed:.2f})", "", "") for speed in speeds]


def computed(times: Sequence[float | None]) -> list[Figure]:
    """Speeds and relative times of milliseconds; the first is what they are relative to."""
    figures = []
    for time in times:
        if time is None:
            figures.append(Figure("", "", ""))
        else:
            ratio = "" if times[0] is None else f" ({time / times[0]:.2f})"
            figures.append(Figure("", f"{1000 / time:.1f}{ratio}", ""))
    return figures


def verdicts(measured: Measured, names: Sequence[str]) -> Iterable[str]:
    """A line on each goal of which the figures were measured."""
    for goal in GOALS:
        records = measured.get((goal.precision, goal.threads))
        if records is None:
            continue
        chosen = {name: records[names.index(name)] for name in goal.networks}
        line = f"Goal, {goal.precision} ×{goal.threads}, all above {goal.above:g}: "
        line += verdict({name: record.ratio for name, record in chosen.items()}, goal.above)
        # With more threads the processor's time says nothing of how long a run takes.
        if goal.threads == 1:
            by_cpu = {name: record.cpu_ratio for name, record in chosen.items()}
            line += f"; by processor time {verdict(by_cpu, goal.above)}"
        yield f"{line}."


def verdict(ratios: dict[str, float | None], above: float) -> str:
    """Returns the ratios, and whether all of them are above a goal."""
    found = ", ".join(f"{name} {formatted(ratio, '.2f')}" for name, ratio in ratios.items())
    reached = all(ratio is not None and ratio > above for ratio in ratios.values())
    return f"{found}: {'reached' if reached else 'missed'}"
