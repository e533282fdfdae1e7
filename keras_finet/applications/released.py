"""The checkpoints that have been released, and how they are fetched."""

from dataclasses import dataclass
from pathlib import Path

import keras

TRAINING_RECIPE = "arXiv 2005.06828, section 5.1"


@dataclass(frozen=True)
class Checkpoint:
    """One released file of ImageNet weights, of a whole classifier.

    Attributes:
        file_name: Name in the cache; ends in `.weights.h5` or `.keras`.
        url: Where it is downloaded from.
        sha256: Its checksum, in hexadecimal digits.
        top1: Its top-1 accuracy on ImageNet's validation images, in per cent.
    """

    file_name: str
    url: str
    sha256: str
    top1: float


class NotReleasedError(ValueError):
    """There is no checkpoint of a network.

    Attributes:
        variant: The builder and all of its own arguments that trained weights depend on.
    """

    def __init__(self, variant: str) -> None:
        others = f" Released are: {', '.join(RELEASED)}." if RELEASED else ""
        super().__init__(
            f"No ImageNet checkpoint of {variant} has been released.{others} Use `weights=None` "
            f"and train it by the recipe of {TRAINING_RECIPE}, or give the path of a file."
        )
        self.variant = variant


# By variant, as `build_classifier` is told. None has been released so far.
RELEASED: dict[str, Checkpoint] = {}


def released(variant: str) -> Checkpoint:
    """Returns the checkpoint for `variant`; raises NotReleasedError if there is none."""
    if variant in RELEASED:
        return RELEASED[variant]
    raise NotReleasedError(variant)


def fetch(checkpoint: Checkpoint) -> Path:
    """Returns the path of the checkpoint in Keras' cache, downloaded if it is not there yet.

    Raises:
        ValueError: if what was downloaded has another checksum. Nothing of it stays in the cache.
        OSError: if it cannot be downloaded.
    """
    name, url = checkpoint.file_name, checkpoint.url
    try:
        path = keras.utils.get_file(
            name,
            origin=url,
            cache_subdir="models",
            file_hash=checkpoint.sha256,
            hash_algorithm="sha256",
        )
    except ValueError as error:
        # Keras leaves the file where it is, and without a checksum says where that is.
        Path(keras.utils.get_file(name, origin=url, cache_subdir="models")).unlink()
        raise ValueError(
            f"Expected {url} to have the SHA-256 checksum {checkpoint.sha256}. Received: a file "
            "with another one, which has been deleted. Try again; if it stays so, do not use it."
        ) from error
    # Keras raises a bare Exception.
    except Exception as error:
        raise OSError(
            f"Expected to download {url}. Received: {error} Download it by other means, and give "
            "its path as `weights`."
        ) from error
    return Path(path)
