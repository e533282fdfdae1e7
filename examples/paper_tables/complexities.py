"""Table 2: FLOPs and parameters of Finet and of the networks that the paper compares it with."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import keras
import rich.console
import rich.progress

import keras_finet
from paper_tables.comparison import PaperTable, Row, number

MILLION = 1_000_000
NOTES = (
    "FLOPs are multiply-accumulates at 224 × 224 unless said otherwise. In Finet's rows the paper "
    "leaves out those of the classifier (FC2) and cuts digits off, and so does the difference; "
    "the other networks' figures are their authors': compared with the classifier, and rounded.",
    "Parameters are the trainable ones. Accuracies are left out: they need training.",
)
MISPRINT = (
    "does not follow: 2.823 is computed. Squeeze-excite adds 0.421 million parameters to the other "
    "two small networks, but 0.425 million by the printed 2.827, probably a misprint of 2.823"
)
SHUFFLENET = "the implementation of torchvision has these counts too"
APPLICATIONS = "as keras.applications builds it, {}; why its counts differ is not known"


@dataclasses.dataclass(frozen=True)
class Network:
    """A network as the paper prints it, and how to build it."""

    name: str
    size: str
    flops: str
    parameters: str
    build: Callable[[], Any]
    is_finet: bool = False
    remark: str = ""


def finet(size: str, groups: int, squeeze_excite: bool, flops: str, parameters: str) -> Network:
    extra = "+SE" if squeeze_excite else ""
    name = f"baseline{extra} (BN)" if groups == 1 else f"Finet{extra} (FBN,G={groups})"
    builder = getattr(keras_finet, f"Finet{size}")
    return Network(
        name,
        size,
        flops,
        parameters,
        lambda: builder(groups=groups, squeeze_excite=squeeze_excite),
        is_finet=True,
        remark=MISPRINT if parameters == "2.827" else "",
    )


def applications(name: str, side: int = 224, **arguments: Any) -> Callable[[], Any]:
    """Makes a function that builds a network of `keras.applications`."""
    shape = (side, side, 3)
    build = getattr(keras.applications, name)
    return lambda: build(weights=None, input_shape=shape, **arguments)


NETWORKS = (
    finet("Small", 1, False, "42.6", "2.388"),
    finet("Small", 2, False, "42.6", "2.392"),
    finet("Small", 4, False, "42.6", "2.402"),
    finet("Small", 1, True, "43.0", "2.809"),
    finet("Small", 2, True, "43.0", "2.813"),
    finet("Small", 4, True, "43.0", "2.827"),
    Network(
        *("ShuffleNetV2", "Small", "41", "1.4"),
        lambda: keras_finet.ShuffleNetV2(alpha=0.5),
        remark=f"width 0.5; {SHUFFLENET}",
    ),
    Network(
        *("MobileNetV2", "Small", "43", "1.66"),
        applications("MobileNetV2", side=192, alpha=0.35),
        remark=APPLICATIONS.format("width 0.35 at 192 × 192"),
    ),
    Network(
        *("MobileNetV3", "Small", "44", "2.0"),
        applications("MobileNetV3Small", alpha=0.75),
        remark=APPLICATIONS.format("Small, width 0.75"),
    ),
    finet("Large", 1, False, "301.8", "4.434"),
    finet("Large", 2, False, "301.8", "4.448"),
    finet("Large", 4, False, "301.8", "4.477"),
    finet("Large", 1, True, "303.2", "5.812"),
    finet("Large", 2, True, "303.2", "5.827"),
    finet("Large", 4, True, "303.2", "5.855"),
    Network(
        *("ShuffleNetV2", "Large", "299", "3.5"),
        lambda: keras_finet.ShuffleNetV2(alpha=1.5),
        remark=f"width 1.5; {SHUFFLENET}",
    ),
    Network(
        *("MobileNetV2", "Large", "300", "3.4"),
        applications("MobileNetV2"),
        remark=APPLICATIONS.format("width 1.0"),
    ),
    Network(
        *("MobileNetV3", "Large", "219", "5.4"),
        applications("MobileNetV3Large"),
        remark=APPLICATIONS.format("Large, width 1.0"),
    ),
    Network(
        "MnasNet",
        "Large",
        "312",
        "3.9",
        lambda: keras_finet.MnasNet(),
        remark="A1, the one with these counts",
    ),
)
SMOKE = {("Finet+SE (FBN,G=4)", "Small"), ("ShuffleNetV2", "Small")}


def table(smoke: bool) -> PaperTable:
    """Builds and counts the networks of Table 2, or two of them."""
    networks = [each for each in NETWORKS if not smoke or (each.name, each.size) in SMOKE]
    progress = rich.progress.track(
        networks,
        "Building and counting ...",
        console=rich.console.Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    return PaperTable(
        "Table 2: million FLOPs and parameters",
        ("network", "size"),
        [counted(network) for network in progress],
        NOTES,
        has_differences=True,
    )


def counted(network: Network) -> Row:
    """Builds a network and compares its counts with the paper's."""
    report = keras_finet.complexity(network.build())
    keras.backend.clear_session(free_memory=True)
    macs = report.paper_macs if network.is_finet else report.macs
    figures = {
        "FLOPs": number(network.flops, millions(macs), cut_off=network.is_finet),
        "parameters": number(
            network.parameters, millions(report.parameters), cut_off=network.is_finet
        ),
    }
    return Row((network.name, network.size), figures, network.remark)


def millions(count: int) -> Decimal:
    return Decimal(count) / MILLION
