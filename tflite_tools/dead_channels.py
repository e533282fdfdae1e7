"""Dead channels of a model that is quantised: which there are, and what dropping them costs.

`keras_finet.layers.dead_channels` says what makes a channel dead and what it does to int8.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tflite_tools.deploy import reference_outputs
from tflite_tools.graph_spec import GraphSpec
from tflite_tools.metrics import chosen, output_difference, share_equal
from tflite_tools.quiet import silenced
from tflite_tools.records import DeadChannelRecord
from tflite_tools.samples import FloatArray
from tflite_tools.scoring import has_classes

if TYPE_CHECKING:
    import keras

# Whose weights share a scale with a dead channel's.
QUANTISED = ("dynamic_int8", "int8")


def dead_channel_record(
    model: "keras.Model", *, drop: bool, samples: FloatArray, reference: FloatArray
) -> DeadChannelRecord | None:
    """Counts the dead channels of a model, and runs the float model without them.

    Args:
        model: The model, not fused.
        drop: Whether they are dropped.
        samples: Samples, as the Keras model is fed.
        reference: What the model answers to them.

    Returns:
        The record; None for a model without dead channels.
    """
    import keras_finet

    with silenced():
        dead = keras_finet.plan_fusion(model).all_dead_channels()
        layers = {name: int(np.count_nonzero(mask)) for name, mask in dead}
        if not layers:
            return None
        total = sum(layers.values())
        if not drop:
            return DeadChannelRecord(layers, total, False, None, None)
        sound = keras_finet.fuse(model, drop_dead_channels=True)
    outputs = reference_outputs(sound, samples)
    agreement = None
    if has_classes(outputs):
        agreement = share_equal(chosen(outputs), chosen(reference))
    max_abs_error, _ = output_difference(outputs, reference)
    return DeadChannelRecord(layers, total, True, agreement, max_abs_error)


def contents_in_order(
    graphs: Mapping[str, GraphSpec], contents_of: Callable[[GraphSpec, list[str]], Iterable[bytes]]
) -> Iterator[bytes]:
    """Yields the content of one file for each precision, which may have graphs of their own.

    Args:
        graphs: The deployed graph of each precision.
        contents_of: Converts one graph to several precisions, as `tflite_contents` does; is called
            once for each graph.
    """
    started: dict[int, Iterator[bytes]] = {}
    for graph in graphs.values():
        if id(graph) not in started:
            same = [precision for precision, other in graphs.items() if other is graph]
            started[id(graph)] = iter(contents_of(graph, same))
        yield next(started[id(graph)])
