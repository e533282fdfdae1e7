"""Statistics over all replicas of a `tf.distribute` strategy: plan, then rewrite.

Whether statistics are synchronised is a matter of how a network is trained, not of which network it
is: any model can be given them, and none is another network for it. So this is a rewrite, and not
an argument of every builder.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import keras

from keras_finet.graph import Graph, Operation, as_functional, copy_model, has_graph, set_weights
from keras_finet.pairs import refuse_wrapped
from keras_finet.planning import ENTER, Plan, RefusalError, Rule, decide

OF_ALL = "statistics of all replicas"
OF_EACH = "each replica's own statistics"


@dataclass
class SynchronizationPlan(Plan):
    """Which layers `synchronize` changes; `print` shows it as a table.

    Attributes:
        model: Name of the model.
        decisions: A `Decision` for every layer that has `synchronized`, as `FineGrainedBatchNorm`
            and `BatchNormalization` do, in the order of the graph. Actions: `"set"` and `"keep"`.
        changed: Names of the layers whose statistics change.
        nested: Plans of the models inside the model, by name.
    """

    heading: ClassVar[str] = "Synchronization plan"

    changed: set[str] = field(default_factory=set)


def plan_synchronization(model: keras.Model, *, synchronized: bool = True) -> SynchronizationPlan:
    """Lists which layers `synchronize` will change, and which not and why.

    Args:
        model: A functional or a built Sequential model. It is not changed.
        synchronized: As in `synchronize`.

    Returns:
        A `SynchronizationPlan`; `print` it, or read its `decisions`.

    Raises:
        ValueError: if `model` is neither functional nor Sequential.
    """
    graph = Graph(as_functional(model))
    plan = SynchronizationPlan(model.name)

    def enter(inner: Operation) -> tuple[str, str]:
        plan.nested[inner.name] = plan_synchronization(inner, synchronized=synchronized)
        return ENTER, "its own plan"

    def change(layer: Operation) -> tuple[str, str]:
        if layer.synchronized == synchronized:
            raise RefusalError("it is so already")
        plan.changed.add(layer.name)
        return "set", OF_ALL if synchronized else OF_EACH

    def rule_for(operation: Operation) -> Rule | None:
        if has_graph(operation):
            return enter
        if _can_synchronize(operation):
            return change
        if isinstance(operation, keras.layers.Wrapper):
            inner = operation.layer
            return refuse_wrapped if _can_synchronize(inner) or has_graph(inner) else None
        return None

    plan.decisions.extend(decide(graph, rule_for))
    return plan


def synchronize(model: keras.Model, *, synchronized: bool = True) -> keras.Model:
    """Returns a copy of the model that takes its batch statistics over all replicas.

    Under a `tf.distribute` strategy every replica sees a part of the batch, and normalises it by
    that part's own statistics: 16 images on each of eight replicas train another network than 128
    on one. In the copy every `FineGrainedBatchNorm` and `BatchNormalization` has
    `synchronized=True`, and a step on any number of replicas is the step on the whole batch.
    Weights and everything else stay. What is sent for it, the docstring of `FineGrainedBatchNorm`
    says.

    Example:
    >>> strategy = tf.distribute.MirroredStrategy()
    >>> with strategy.scope():
    ...     model = keras_finet.synchronize(keras_finet.FinetLarge(classes=10))
    ...     model.compile("sgd", "sparse_categorical_crossentropy")

    Args:
        model: A functional or a built Sequential model. It is not changed. Models inside it are
            synchronised too.
        synchronized: False makes statistics each replica's own again. A file of such a model loads
            on every backend.

    Returns:
        A new functional `keras.Model`, uncompiled. Call this where its variables have to be made:
        in the strategy's scope.

    Raises:
        ValueError: on another backend than tensorflow (on jax a batch that is sharded over devices
            is one batch already); if `model` is neither functional nor Sequential, or holds a layer
            that cannot be made again from its configuration.
    """
    backend = keras.backend.backend()
    if synchronized and backend != "tensorflow":
        raise ValueError(
            "`synchronize` is for `tf.distribute` on the tensorflow backend. Received: backend "
            f"{backend!r}. On jax, statistics of a batch that `keras.distribution.DataParallel` "
            "shards are those of the whole batch already: leave it out."
        )
    return _rewrite(model, plan_synchronization(model, synchronized=synchronized), synchronized)


def _can_synchronize(layer: Operation) -> bool:
    return isinstance(getattr(layer, "synchronized", None), bool)


def _rewrite(model: keras.Model, plan: SynchronizationPlan, synchronized: bool) -> keras.Model:
    def replace(operation: Operation) -> keras.layers.Layer | None:
        if operation.name in plan.nested:
            return _rewrite(operation, plan.nested[operation.name], synchronized)
        if operation.name in plan.changed:
            return _changed(operation, synchronized)
        return None

    return copy_model(model, replace=replace)


def _changed(layer: keras.layers.Layer, synchronized: bool) -> keras.layers.Layer:
    new = type(layer).from_config({**layer.get_config(), "synchronized": synchronized})
    new.build_from_config(layer.get_build_config())
    set_weights(new, layer.get_weights())
    return new
