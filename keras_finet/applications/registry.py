"""Which models there are."""

from collections.abc import Callable
from fnmatch import fnmatchcase

import keras

from keras_finet.applications.cifar_vgg import CifarVGG16
from keras_finet.applications.finet import FinetLarge, FinetSmall
from keras_finet.applications.mnasnet import MnasNet
from keras_finet.applications.reactnet import ReActNet18, ReActNetA
from keras_finet.applications.resnet import ResNet18, ResNet50
from keras_finet.applications.shufflenet_v2 import ShuffleNetV2
from keras_finet.applications.wide_resnet import WideResNet

# A builder that is public stands here, in `__init__.py` and in `tests/descriptors.py`.
BUILDERS: tuple[Callable[..., keras.Model], ...] = (
    CifarVGG16,
    FinetLarge,
    FinetSmall,
    MnasNet,
    ReActNet18,
    ReActNetA,
    ResNet18,
    ResNet50,
    ShuffleNetV2,
    WideResNet,
)


def list_models(pattern: str | None = None) -> list[str]:
    """Lists the names of the model builders.

    Example:
    >>> keras_finet.list_models("finet*")
    ['FinetLarge', 'FinetSmall']
    >>> model = getattr(keras_finet, "FinetSmall")(classes=10, input_shape=(64, 64, 3))

    Args:
        pattern: None for all of them, or a pattern with the shell's wildcards `*`, `?` and `[]`
            that the whole name must match, in upper or lower case.

    Returns:
        Names of functions of `keras_finet`, sorted; an empty list if none matches.

    Raises:
        ValueError: if `pattern` is neither None nor a string.
    """
    if not isinstance(pattern, str | None):
        raise ValueError(
            "Expected `pattern` to be None or a string with wildcards, such as "
            f'`list_models("resnet*")`. Received: {pattern!r}'
        )
    wanted = "*" if pattern is None else pattern.lower()
    names = sorted(builder.__name__ for builder in BUILDERS)
    return [name for name in names if fnmatchcase(name.lower(), wanted)]
