"""CIFAR-10 or CIFAR-100 as in the paper (arXiv 2005.06828, section 5.3).

python examples/train_cifar.py                                        # FinetLarge with G=4
python examples/train_cifar.py --dataset cifar100 --groups 8 --no-affine        # Table 5
python examples/train_cifar.py --channels-per-group 20                          # Table 6
python examples/train_cifar.py --model resnet18 --groups 2                      # Table 7
python examples/train_cifar.py --recipe shifted_relu     # WRN-20-10, arXiv 1907.06916
python examples/train_cifar.py --recipe mimic_norm       # ResNet18 on CIFAR-100
python examples/train_cifar.py --recipe reactnet         # ReActNet-18, arXiv 2104.08215
python examples/train_cifar.py --dataset digits --epochs 5             # without any download
python examples/train_cifar.py --smoke                                # the same on a few images

A run that was interrupted goes on where it was when the same command is given again.
"""

from __future__ import annotations

import sys

from recipe.papers import cifar
from recipe.program import run_program


def main() -> int:
    """Trains and returns the exit code."""
    return run_program(
        "train_cifar",
        "Train a network on CIFAR-10 or CIFAR-100, or any data set of small images, with the "
        "recipe of the paper's section 5.3: random crops of 32 pixels, SGD with a learning rate of "
        "0.1 that is divided by ten at epochs 100 and 150 of 200, batches of 128 (64 for ResNets).",
        cifar,
    )


if __name__ == "__main__":
    sys.exit(main())
