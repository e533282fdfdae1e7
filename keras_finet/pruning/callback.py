"""`MagnitudePruning`: a callback that trains with the smallest weights at zero."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_finet.graph import has_graph
from keras_finet.layers import FineGrainedBatchNorm
from keras_finet.planning import KEEP, Decision, Plan
from keras_finet.pruning.patterns import Mask, read_pattern
from keras_finet.selection import Selection, Where

# Kernels of these have the shape (..., in_channels, filters).
PRUNABLE = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
    FineGrainedBatchNorm,
)
_PRUNE = "prune"


class MagnitudePruning(keras.callbacks.Callback):
    """Trains with the smallest weights at zero.

    At the beginning of every epoch the smallest weights of each selected kernel are found, and
    after every training step they are set to zero again. A weight that is zero stays zero, also
    when a pruned model is loaded and trained on with a new callback. Folding multiplies weights,
    so that `keras_finet.fuse` and a converted file have exactly the same zeros.

    `History` and the progress bar show the share of zeros among the selected weights as
    `sparsity`. The zeros make a file smaller once it is compressed; most runtimes are not faster.

    References: [Zhu and Gupta, 2017](https://arxiv.org/abs/1710.01878) for the ramp,
    [Mishra et al., 2021](https://arxiv.org/abs/2104.08378) for the pattern 2:4.

    Example:
    >>> pruning = keras_finet.MagnitudePruning("2:4", begin_epoch=2, end_epoch=5)
    >>> print(pruning.plan(model))
    >>> model.fit(images, labels, epochs=20, callbacks=[pruning])

    Args:
        sparsity: The share of each kernel's weights to set to zero, such as 0.5:
            `round(sparsity * size)` of them. Or `"n:m"`, such as `"2:4"`: of every m weights in a
            row along the kernel's input channels (the last but one axis of a Keras kernel, the
            last of a `.tflite` file's) at most n stay. A last, shorter row counts as filled up
            with zeros: it keeps n too.
        begin_epoch: Integer, the first epoch that prunes, counted from 0.
        end_epoch: Integer, the first epoch with the full sparsity. Before it the sparsity rises
            by the share 1 - (1 - t)^3 of the way, t rising evenly. Train for some epochs more.
            Defaults to `begin_epoch`: all at once.
        where: The layers to prune: a function of a layer, or a list of names (in a nested model
            after the model's name and a slash). By default all `Conv1D`, `Conv2D`, `Conv3D`,
            `Dense` and `FineGrainedBatchNorm` layers but the first and the last, the classifier,
            which lose the most accuracy for the fewest weights. Depthwise convolutions have no
            input channels to choose among and frozen layers do not train: they stay.

    Raises:
        ValueError: if an argument cannot be used, or, when the training begins, if `where` names
            what cannot be pruned or nothing is left to prune.
    """

    def __init__(
        self,
        sparsity: float | str = 0.5,
        *,
        begin_epoch: int = 0,
        end_epoch: int | None = None,
        where: Where = None,
    ) -> None:
        super().__init__()
        self._pattern = read_pattern(sparsity)
        self._begin = begin_epoch
        self._end = begin_epoch if end_epoch is None else end_epoch
        if not (_is_epoch(self._begin) and _is_epoch(self._end) and self._begin <= self._end):
            raise ValueError(
                "Expected whole numbers with 0 <= begin_epoch <= end_epoch. Received: "
                f"begin_epoch={begin_epoch!r} and end_epoch={end_epoch!r}"
            )
        self._selects_all = where is None
        self._selection = Selection(
            where, what="layers", done="pruned", listed_by="MagnitudePruning().plan(model)"
        )
        self._layers: list[keras.layers.Layer] = []
        self._masks: list[Any] = []

    def plan(self, model: keras.Model) -> Plan:
        """Lists which layers of `model` will be pruned, and which stay and why.

        Args:
            model: A built model. It is not changed.

        Returns:
            A plan with the actions `"prune"` and `"keep"`; `print` shows it as a table.
        """
        candidates = list(_candidates(model))
        decisions = [
            self._decision(path, layer, is_end=index in (0, len(candidates) - 1))
            for index, (path, layer) in enumerate(candidates)
        ]
        plan = Plan(model.name, decisions)
        self._selection.check(plan)
        return plan

    def _decision(self, path: str, layer: keras.layers.Layer, is_end: bool) -> Decision:
        reason = None
        if not layer.trainable:
            reason = "frozen"
        elif not isinstance(getattr(layer, "kernel", None), keras.Variable):
            reason = "its kernel is no variable: not built, or with LoRA"
        elif self._selects_all and is_end:
            reason = "the first or the last layer with weights; name it in `where` to prune it"
        elif not self._selection(path, layer):
            reason = "`where` does not select it"
        if reason is not None:
            return Decision(path, type(layer).__name__, KEEP, reason)
        return Decision(path, type(layer).__name__, _PRUNE, f"{tuple(layer.kernel.shape)}")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Finds the layers to prune."""
        model = self.model
        plan = self.plan(model)
        pruned = {decision.layer for decision in plan.decisions if decision.action == _PRUNE}
        if not pruned:
            raise ValueError(
                f"Expected layers to prune in {model.name!r}. Received none:\n{plan}\n"
                "Name layers in `where`, or build the model by calling it on an example."
            )
        self._layers = [layer for path, layer in _candidates(model) if path in pruned]
        self._masks = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the weights to zero that are the smallest now."""
        progress = self._progress(epoch)
        if progress == 0:
            return
        self._sync()
        masks = [self._mask(ops.convert_to_numpy(layer.kernel), progress) for layer in self._layers]
        self._masks = [ops.convert_to_tensor(mask) for mask in masks]
        self._apply()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the pruned weights back to zero."""
        self._apply()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Reports the share of zeros."""
        if logs is not None:
            self._sync()
            kernels = [ops.convert_to_numpy(layer.kernel) for layer in self._layers]
            zeros = sum(np.count_nonzero(kernel == 0) for kernel in kernels)
            logs["sparsity"] = zeros / sum(kernel.size for kernel in kernels)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Sets the weights back that an optimizer's moving average has replaced at the end."""
        self._apply()

    def _progress(self, epoch: int) -> float:
        if epoch < self._begin:
            return 0.0
        done = min(1.0, (epoch - self._begin + 1) / (self._end - self._begin + 1))
        return float(1 - (1 - done) ** 3)

    def _mask(self, kernel: Any, progress: float) -> Mask:
        kernel = kernel.astype("float32")
        # Zeros stay: they are those of an earlier epoch or training. But a layer that was made
        # all zero has to get away from there.
        kept = self._pattern.mask(kernel, progress)
        return kept & (kernel != 0) if kernel.any() else np.ones_like(kept)

    def _apply(self) -> None:
        if not self._masks:
            return
        self._sync()
        for layer, mask in zip(self._layers, self._masks, strict=True):
            # Not by a product, which makes -0 of negative weights.
            layer.kernel.assign(ops.where(mask, layer.kernel.value, 0.0))

    def _sync(self) -> None:
        """Brings jax's state into the model: it does so when a callback asks for the model."""
        _ = self.model


def _candidates(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    for layer in model.layers:
        if has_graph(layer):
            yield from _candidates(layer, f"{prefix}{layer.name}/")
        elif isinstance(layer, PRUNABLE):
            yield f"{prefix}{layer.name}", layer


def _is_epoch(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
