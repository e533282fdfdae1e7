"""ImageNet as in the paper (arXiv 2005.06828, section 5.1): a Finet, or a network to compare with.

python examples/train_imagenet.py                        # FinetLarge with G=4 and squeeze-excite
python examples/train_imagenet.py --model finet_small --groups 2 --no-squeeze-excite
python examples/train_imagenet.py --dataset my_images/   # with train/CLASS/ and val/CLASS/
python examples/train_imagenet.py --recipe reactnet      # ReActNet-A, arXiv 2104.08215
python examples/train_imagenet.py --smoke                # the same steps on a few images

A run that was interrupted goes on where it was when the same command is given again.
"""

from __future__ import annotations

import sys

from recipe.papers import imagenet
from recipe.program import run_program


def main() -> int:
    """Trains and returns the exit code."""
    return run_program(
        "train_imagenet",
        "Train a network on ImageNet, or any data set like it, with the recipe of the paper's "
        "section 5.1: random crops of 224 pixels, SGD with a learning rate that falls linearly "
        "from 0.2 to 0 in 320 epochs of batches of 512.",
        imagenet,
    )


if __name__ == "__main__":
    sys.exit(main())
