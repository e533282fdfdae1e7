"""The accuracies of Tables 5, 6 and 7, and the recipe of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from recipe.papers import cifar
from recipe.settings import Recipe

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
TRAINING_IMAGES, EVALUATION_IMAGES = 50_000, 10_000  # of both
TITLES = {
    5: "Table 5: top-1 accuracy of Finet by the number of groups",
    6: "Table 6: top-1 accuracy of Finet by the number of input channels in a group",
    7: "Table 7: top-1 accuracy of ResNets",
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One accuracy that the paper prints.

    Attributes:
        name: By which `--rows` selects it.
        labels: Data set, setting and groups, as the paper calls them.
        printed: The accuracy in per cent, as printed.
        recipe: What the paper trained.
    """

    name: str
    labels: tuple[str, str, str]
    printed: str
    recipe: Recipe


# By data set and setting, with G = 1, 2, 4, 6, 8.
TABLE_5 = {
    ("cifar10", True): ("92.584", "93.082", "93.532", "93.286", "93.674"),
    ("cifar10", False): ("91.958", "93.162", "92.478", "92.564", "93.430"),
    ("cifar100", True): ("75.624", "76.752", "76.856", "76.716", "77.202"),
    ("cifar100", False): ("74.216", "74.382", "74.486", "74.772", "74.734"),
}
GROUPS_5 = (1, 2, 4, 6, 8)
# By data set, with C/G = 20, 50, 100.
TABLE_6 = {
    "cifar10": ("93.470", "93.606", "93.122"),
    "cifar100": ("76.926", "76.850", "75.674"),
}
CHANNELS_6 = (20, 50, 100)
# By data set and network, with G = 1, 2, 4; ResNet50 with G = 4 did not fit the authors' GPU.
TABLE_7 = {
    ("cifar10", "resnet18"): ("94.512", "95.012", "94.962"),
    ("cifar10", "resnet50"): ("94.644", "95.040"),
    ("cifar100", "resnet18"): ("76.866", "77.754", "77.726"),
    ("cifar100", "resnet50"): ("77.796", "78.122"),
}
GROUPS_7 = (1, 2, 4)
RESNETS = {"resnet18": "ResNet18", "resnet50": "ResNet50"}


def cells(table: int) -> list[Cell]:
    """Returns the accuracies of a table, in the paper's order."""
    return list({5: _table_5, 6: _table_6, 7: _table_7}[table]())


def _table_5() -> Iterator[Cell]:
    for (dataset, affine), printed in TABLE_5.items():
        setting = "with affine" if affine else "without affine"
        for groups, accuracy in zip(GROUPS_5, printed, strict=True):
            name = f"{'affine' if affine else 'no-affine'}/G={groups}"
            yield _cell(
                dataset, name, setting, f"G={groups}", accuracy, groups=groups, affine=affine
            )


def _table_6() -> Iterator[Cell]:
    for dataset, printed in TABLE_6.items():
        for channels, accuracy in zip(CHANNELS_6, printed, strict=True):
            name = f"channels={channels}"
            changes = {"channels_per_group": channels}
            yield _cell(dataset, name, "with affine", f"C/G={channels}", accuracy, **changes)


def _table_7() -> Iterator[Cell]:
    for (dataset, model), printed in TABLE_7.items():
        for groups, accuracy in zip(GROUPS_7, printed, strict=False):
            name = f"{model}/G={groups}"
            changes: dict[str, Any] = {"model": model, "groups": groups}
            yield _cell(dataset, name, RESNETS[model], f"G={groups}", accuracy, **changes)


def _cell(dataset: str, name: str, setting: str, split: str, printed: str, **changes: Any) -> Cell:
    labels = (DATASETS[dataset], setting, split)
    return Cell(f"{dataset}/{name}", labels, printed, cifar(dataset=dataset, **changes))
