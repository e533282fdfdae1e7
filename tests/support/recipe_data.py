"""Small data sets for the recipes, in the real formats."""

import numpy as np
from PIL import Image
from support.tfds_files import CLASS_NAMES, image_features, image_rows, write_tfds

SIDE = 10


def pictures(count, seed=0):
    """Noise with a brightness for each of the three classes."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 120, (count, SIDE, SIDE, 3))
    return (noise + 60 * (np.arange(count) % len(CLASS_NAMES))[:, None, None, None]).astype("uint8")


def write_folder(root, train=21, val=9):
    """`root/train/CLASS/*.png` and `root/val/CLASS/*.jpg`."""
    for part, count, ending in (("train", train, "png"), ("val", val, "jpg")):
        for index, pixels in enumerate(pictures(count, seed=count)):
            folder = root / part / CLASS_NAMES[index % len(CLASS_NAMES)]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{index:03}.{ending}")
    return root


def write_prepared(root, name="tiny_pets", train=21, test=9):
    """A TFDS data set of that name in `root`."""
    splits = {"train": image_rows(pictures(train)), "test": image_rows(pictures(test, seed=1))}
    write_tfds(root, name, splits, image_features())
    return name
