"""What stands where in the `.weights.h5` and `.keras` files that Keras 3 writes.

Both hold an HDF5 tree. A functional or Sequential model's layers stand in the group `layers`, each
under the name of its class, numbered within the class in the order of the graph (`conv2d`,
`conv2d_1`). The arrays stand in its group `vars`, numbered as `save_own_variables` stores them, and
the attribute `name` of `vars` is the layer's name. What is nested in a layer stands beside `vars`.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import h5py
import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".weights.h5", ".keras")
Array = NDArray[Any]
Place = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class StoredLayer:
    """The weights of one layer in an open file.

    Attributes:
        place: Its model's place, and in that the name of its class in snake case and its number
            among the layers of this class, in the order of the graph.
        datasets: Its arrays, not yet read, by the key that `load_own_variables` expects.
        config: Its configuration; empty in a `.weights.h5` file, which has none.
        rank: Its place among all layers; None in a `.weights.h5` file, which does not tell.
    """

    place: Place
    datasets: Mapping[str, Any]
    config: Mapping[str, Any]
    rank: int | None

    @property
    def kind(self) -> str:
        """Name of its class in snake case; empty for what is wrapped in a layer."""
        return self.place[-1][0]

    def precedes(self, other: "StoredLayer") -> bool | None:
        """Tells whether it comes before `other`; None if the file does not tell."""
        if self.rank is not None and other.rank is not None:
            return self.rank < other.rank
        for (kind, number), (others_kind, others_number) in zip(
            self.place, other.place, strict=False
        ):
            if kind != others_kind:
                return None
            if number != others_number:
                return number < others_number
        return False

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of its arrays."""
        return {key: tuple(dataset.shape) for key, dataset in self.datasets.items()}

    def read(self) -> dict[str, Array]:
        """Returns its arrays; raises ValueError if they cannot be read or are not finite."""
        with _readable():
            arrays = {key: _array(dataset) for key, dataset in self.datasets.items()}
        if not all(np.isfinite(array).all() for array in arrays.values()):
            name = next(iter(self.datasets.values())).parent.attrs.get("name", self.kind)
            raise ValueError(
                f"a file in which weights of {name!r} are infinite or not a number. It is damaged, "
                "or its training diverged: give another one."
            )
        return arrays


def check_path(path: Any) -> None:
    """Raises ValueError if `path` is not that of a weights file."""
    expected = f"Expected the path of a weights file. Received: {path!r}"
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise ValueError(
            f"{expected} of type {type(path).__name__}. Give a str or a `pathlib.Path`."
        )
    if Path(path).is_dir():
        raise ValueError(f"{expected}, which is a folder. Name the file in it.")
    if not Path(path).is_file():
        raise ValueError(f"{expected}: no such file.")
    if not os.fspath(path).endswith(SUFFIXES):
        raise ValueError(
            "Expected a weights file that ends in `.weights.h5` or `.keras`. Received: "
            f"{os.fspath(path)!r}. Save it by `model.save_weights` or `model.save`."
        )


@contextmanager
def open_weights(path: Path) -> Iterator[dict[str, StoredLayer]]:
    """Opens a weights file; gives the layers that have weights in it, by name.

    A layer inside a model has the model's name and a slash before its own, what is wrapped in a
    layer that layer's name and `/layer`.

    Raises:
        ValueError: if it cannot be read.
    """
    with ExitStack() as stack:
        with _readable():
            configs: dict[str, Any] = {}
            source: Any = path
            if path.suffix == ".keras":
                archive = stack.enter_context(ZipFile(path))
                configs = dict(_configs(json.loads(archive.read("config.json")), ""))
                # Read to its end, where its checksum is compared.
                source = BytesIO(archive.read("model.weights.h5"))
            file = stack.enter_context(h5py.File(source, mode="r"))
            layers = dict(_layers(_group(file, "layers"), "", (), configs))
        yield layers


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    # Whatever the C library, zipfile or a malformed tree comes up with: it is the file's fault.
    except Exception as error:
        raise ValueError(
            "a file that cannot be read as weights saved by Keras 3 from a functional or "
            f"Sequential model ({type(error).__name__}: {error})"
        ) from error


def _configs(model: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for layer in model["config"].get("layers", ()):
        name = f"{prefix}{layer['config']['name']}"
        yield name, layer["config"]
        yield from _configs(layer, f"{name}/")


def _layers(
    group: Any, prefix: str, place: Place, configs: Mapping[str, Any]
) -> Iterator[tuple[str, StoredLayer]]:
    for label in group:
        layer = _group(group, label)
        name = _group(layer, "vars").attrs.get("name", label)
        number = re.search(r"_(\d+)$", label)
        own = (label.removesuffix(number[0]), int(number[1])) if number else (label, 0)
        yield from _layer(layer, f"{prefix}{name}", (*place, own), configs)


def _layer(
    group: Any, name: str, place: Place, configs: Mapping[str, Any]
) -> Iterator[tuple[str, StoredLayer]]:
    for part in group:
        inside = _group(group, part)
        if part == "layers":
            yield from _layers(inside, f"{name}/", place, configs)
        elif part != "vars":
            yield from _layer(inside, f"{name}/{part}", (*place, ("", 0)), configs)
        elif len(inside):
            yield (
                name,
                StoredLayer(
                    place=place,
                    datasets={key: _dataset(inside, key) for key in inside},
                    config=configs.get(name, {}),
                    rank=_rank(name, list(configs)),
                ),
            )


def _rank(name: str, names: list[str]) -> int | None:
    """Returns the index of a layer, or of what it is wrapped in."""
    while name and name not in names:
        name = name.rpartition("/")[0]
    return names.index(name) if name else None


def _group(parent: Any, label: str) -> Any:
    return _own(parent, label, h5py.Group)


def _dataset(parent: Any, label: str) -> Any:
    dataset = _own(parent, label, h5py.Dataset)
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{label!r} stands in another file")
    return dataset


def _own(parent: Any, label: str, kind: type) -> Any:
    """Returns a child that the file itself holds: a link may lead to any file on the machine."""
    link = parent.get(label, getlink=True)
    if link is None:
        raise ValueError(f"has no {kind.__name__.lower()} {label!r}")
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"{label!r} is a link")
    child = parent[label]
    if not isinstance(child, kind):
        raise ValueError(f"{label!r} is no {kind.__name__.lower()}")
    return child


def _array(dataset: Any) -> Array:
    array: Array = np.asarray(dataset[...])
    if dataset.attrs.get("dtype") == "bfloat16":
        # HDF5 has no such type. It is the upper half of a float32.
        return (array.view("uint16").astype("uint32") << 16).view("float32")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"an array of {array.dtype}, not of numbers")
    return array
