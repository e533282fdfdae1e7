"""Whether one of the package's transformations stands between a file and a model.

`fuse` and `fine_grain` leave the names of convolutions as they are and take normalisations away:
what differs by names and classes tells which model a file was saved from.
"""

from collections.abc import Collection, Mapping

import keras
from keras.layers import Layer

from keras_finet.applications.weights_file import StoredLayer
from keras_finet.layers import FineGrainedBatchNorm

STORED_NORMALIZATION = "batch_normalization"
STORED_FINE_GRAINED = "fine_grained_batch_norm"
STORED_DENSE = "dense"

TRAINED_FOR_FUSED = (
    "a file of the model as trained, with its normalisations, for a fused model, which has none. "
    "Load it into the model as trained, and call `keras_finet.fuse`."
)
FUSED_FOR_TRAINED = (
    "a file of a fused model, whose normalisations are folded away for good, for a model as "
    "trained. Load it into `keras_finet.fuse(model)`."
)
TRAINED_FOR_REPLACED = (
    "a file of the model as trained, for the model that `keras_finet.fuse(model, "
    "fold_batch_norm=False)` makes of it. Load it into the model as trained, and call `fuse` so."
)
REPLACED_FOR_TRAINED = (
    "a file of what `keras_finet.fuse(model, fold_batch_norm=False)` makes of a model, for a model "
    "as trained. Load it into `keras_finet.fuse(model, fold_batch_norm=False)`."
)
BEFORE_FINE_GRAIN = (
    "a file of the model before `keras_finet.fine_grain` (or with other `groups`), for the "
    "fine-grained model. Load it into the original model, and call `fine_grain`."
)
AFTER_FINE_GRAIN = (
    "a file of the model that `keras_finet.fine_grain` makes (or with other `groups`), for the "
    "model before that. Load it into `keras_finet.fine_grain(model)`."
)


def check_origin(
    wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer], between: Collection[str]
) -> None:
    """Refuses a file from before a transformation for a model from after it, and the reverse.

    Args:
        wanted: The layers that are to get weights, by their names in `open_weights`.
        stored: What `open_weights` gives.
        between: What only the file has, and not behind all that the model has.

    Raises:
        ValueError: with what was received and what to do.
    """
    reason = _of_classes(wanted, stored, between) or _of_normalizations(wanted, stored, between)
    if reason:
        raise ValueError(reason)


def _of_classes(
    wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer], between: Collection[str]
) -> str | None:
    """Tells by the convolutions that are fine-grained on one side only."""
    common = [name for name in wanted if name in stored]
    fine = {name for name in common if isinstance(wanted[name], FineGrainedBatchNorm)}
    stored_fine = {name for name in common if stored[name].kind == STORED_FINE_GRAINED}
    if not fine ^ stored_fine:
        return None
    missing = _missing_normalizations(wanted, stored)
    extra = _extra_normalizations(wanted, stored, between)
    shared = any(stored[name].kind == STORED_NORMALIZATION for name in common)
    if fine - stored_fine:
        if extra:
            return BEFORE_FINE_GRAIN
        return REPLACED_FOR_TRAINED if shared and not missing else FUSED_FOR_TRAINED
    if missing:
        return AFTER_FINE_GRAIN
    return TRAINED_FOR_REPLACED if shared and not extra else TRAINED_FOR_FUSED


def _of_normalizations(
    wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer], between: Collection[str]
) -> str | None:
    """Tells by the normalisations that only one side has."""
    missing = _missing_normalizations(wanted, stored)
    if between and all(stored[name].kind == STORED_NORMALIZATION for name in between):
        return None if missing else TRAINED_FOR_FUSED
    if between or not missing or len(missing) < len(wanted.keys() - stored.keys()):
        return None
    names = list(wanted)
    before = [names[names.index(name) - 1] for name in missing if name != names[0]]
    folded = any(name in stored and len(stored[name].datasets) == 2 for name in before)
    return FUSED_FOR_TRAINED if folded else None


def _extra_normalizations(
    wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer], between: Collection[str]
) -> list[str]:
    """Returns those that were behind the model's convolutions.

    At the model's end too, unless convolutions come with them: there a network goes on.
    """
    only = [name for name in stored if name not in wanted]
    goes_on = {stored[name].kind for name in only} - {STORED_NORMALIZATION, STORED_DENSE}
    candidates = between if goes_on else only
    return [name for name in candidates if stored[name].kind == STORED_NORMALIZATION]


def _missing_normalizations(
    wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer]
) -> list[str]:
    return [
        name
        for name, layer in wanted.items()
        if name not in stored and isinstance(layer, keras.layers.BatchNormalization)
    ]
