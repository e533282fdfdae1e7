"""`AdaptiveGradientClipping`: gradients no larger than their weights allow, for any optimizer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_finet.layers.arguments import positive_number
from keras_finet.layers.replicas import replica_mean
from keras_finet.optimizers.units import Axes, axes_of_shape, classifier_of, misleading_axes

Tensor = Any
# "logits" where "predictions" is an activation only.
CLASSIFIERS = ("predictions", "logits")
LEAST_NORM = 1e-6


@keras.saving.register_keras_serializable(package="keras_finet")
class AdaptiveGradientClipping(keras.optimizers.Optimizer):
    """Clips gradients relative to the weights, unit by unit, and hands them to another optimizer.

    A unit is what makes one output channel: a filter of a convolution, a column of a `Dense`
    kernel; a vector, such as a bias, is one unit as a whole. Where the norm of a unit's gradient G
    is at least `clip_factor * max(norm(W), epsilon)`, it is scaled down to that norm. Networks
    without normalisations train with large batches and learning rates with it. The classifier is
    left out.

    Under a strategy of `tf.distribute` the gradients of all replicas count together. Every replica
    scales its own down, so that their sum is clipped; that takes a reduction of its own.

    The shape of a kernel says how to find its units, but for convolutions with one filter and
    depthwise ones with several filters for each channel. `for_model` knows them, and finds the
    classifier whatever its name.

    Reference: [Brock et al., 2021](https://arxiv.org/abs/2102.06171), equation 3; with binary
    networks [Chen et al., 2021](https://arxiv.org/abs/2104.08215).

    Example:
    >>> optimizer = AdaptiveGradientClipping(keras.optimizers.Adam(5e-4))
    >>> model.compile(optimizer, "sparse_categorical_crossentropy")

    Args:
        inner_optimizer: A `keras.optimizers.Optimizer` that is not built, or the name of one. It
            applies the clipped gradients: weight decay, schedules, averages and constraints are
            its own. With `gradient_accumulation_steps` every step's gradients are clipped, not
            their mean.
        clip_factor: Float, the largest norm of a gradient in units of its weights' norm.
        epsilon: Float, the least norm that weights are taken to have: otherwise those that start
            at zero would stay there.
        exclude: Names of layers, or of variables as "layer/variable", whose gradients are not
            clipped. By default "predictions" and "logits", if there are any: the classifiers of
            this package and of `keras.applications`.
        axes: The axes of a unit, by variable, where its shape misleads; named as in `exclude`.
        name: Name of the optimizer.

    Raises:
        ValueError: for an inner optimizer that is built, a factor that is not positive, or (when
            built) if `exclude` or `axes` name what the model does not train.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        clip_factor: float = 0.02,
        epsilon: float = 1e-3,
        exclude: Iterable[str] = CLASSIFIERS,
        axes: Mapping[str, Sequence[int]] | None = None,
        name: str | None = None,
    ) -> None:
        inner_optimizer = keras.optimizers.get(inner_optimizer)
        if inner_optimizer is None:
            raise ValueError("Expected an optimizer, or the name of one. Received: None")
        if inner_optimizer.built:
            raise ValueError(
                f"Expected an optimizer that is not built. Received: {inner_optimizer.name!r}, "
                "which has been applied to a model already, so its state belongs to gradients "
                "without clipping. Make a new one: "
                f"{type(inner_optimizer).__name__}.from_config(optimizer.get_config())"
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.clip_factor = positive_number("clip_factor", clip_factor)
        self.epsilon = positive_number("epsilon", epsilon)
        self.exclude = _names(exclude)
        self.axes = {path: tuple(each) for path, each in (axes or {}).items()}

    @classmethod
    def for_model(
        cls, model: keras.Model, inner_optimizer: Any, **options: Any
    ) -> "AdaptiveGradientClipping":
        """Makes the optimizer for one model, whose layers tell the units and the classifier.

        Args:
            model: A built functional or Sequential model.
            inner_optimizer: As for the class.
            **options: Further arguments of the class. Without `exclude` the model's classifier is
                left out: its last layer with a kernel, a `Dense` or 1x1 convolution.

        Raises:
            ValueError: as the class, and if the model does not end with a classifier.
        """
        if "exclude" not in options:
            options["exclude"] = (classifier_of(model),)
        return cls(inner_optimizer, axes=misleading_axes(model), **options)

    def build(self, variables: Any) -> None:
        """Builds the inner optimizer for `variables`, and checks the names that were given."""
        self._check_names([variable.path for variable in variables])
        self.inner_optimizer.build(variables)
        super().build(variables)

    def _check_names(self, paths: list[str]) -> None:
        given = {
            "exclude": [] if self.exclude == CLASSIFIERS else self.exclude,
            "axes": list(self.axes),
        }
        for argument, names in given.items():
            if missing := [name for name in names if not _names_any(name, paths)]:
                raise ValueError(
                    f"Expected `{argument}` to name what the model trains. Received: "
                    f"{missing[0]!r}. The paths of its variables are: {', '.join(paths)}"
                )

    @property
    def variables(self) -> list[Any]:
        """The inner optimizer's variables: there are no others."""
        variables: list[Any] = self.inner_optimizer.variables
        return variables

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Applies gradients, clipped, as the inner optimizer does."""
        grads = list(grads)
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built:
                self.build(trainable_variables)
        variables = trainable_variables or self._trainable_variables
        self.inner_optimizer.apply(self._clipped(grads, variables), trainable_variables)

    def stateless_apply(
        self, optimizer_variables: Any, grads: Any, trainable_variables: Any
    ) -> tuple[Any, Any]:
        """Returns the trainable variables and those of the optimizer after a step."""
        mapping = [
            *zip(self._trainable_variables, trainable_variables, strict=True),
            *zip(self.variables, optimizer_variables, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping):
            clipped = self._clipped(grads, self._trainable_variables)
        result: tuple[Any, Any] = self.inner_optimizer.stateless_apply(
            optimizer_variables, clipped, trainable_variables
        )
        return result

    def _clipped(self, grads: Sequence[Tensor], variables: Sequence[Any]) -> list[Tensor]:
        # Gradients of a scaled loss, which the inner optimizer unscales later, have larger norms.
        loss_scale = self.inner_optimizer.scale_loss(ops.ones(()))
        return [
            gradient
            if gradient is None or self._is_excluded(variable)
            else self._clip(gradient, variable, loss_scale)
            for gradient, variable in zip(grads, variables, strict=True)
        ]

    def _is_excluded(self, variable: Any) -> bool:
        # Not a gradient, but the new value: scales of float8.
        if getattr(variable, "overwrite_with_gradient", False):
            return True
        return any(_names_one(name, variable.path) for name in self.exclude)

    def _clip(self, gradient: Tensor, variable: Any, loss_scale: Tensor) -> Tensor:
        given = (axes for name, axes in self.axes.items() if _names_one(name, variable.path))
        axes = next(given, axes_of_shape(tuple(variable.shape)))
        limit = self.clip_factor * ops.maximum(_norm(variable, axes), self.epsilon)
        norm = _norm(self._over_replicas(gradient), axes) / loss_scale
        factor = ops.where(norm >= limit, limit / ops.maximum(norm, LEAST_NORM), 1.0)
        return gradient * ops.cast(factor, gradient.dtype)

    def _over_replicas(self, gradient: Tensor) -> Tensor:
        """Returns the sum of a gradient over all replicas, which the inner optimizer applies."""
        # Keras has the strategy of `tf.distribute` in no public place.
        strategy = getattr(self, "_distribution_strategy", None)
        if strategy is None or strategy.num_replicas_in_sync == 1:
            return gradient
        gradient = ops.convert_to_tensor(gradient)
        mean = replica_mean(ops.reshape(gradient, (-1,)))
        return ops.reshape(mean, gradient.shape) * strategy.num_replicas_in_sync

    @property
    def loss_scale_factor(self) -> Any:
        """The inner optimizer's factor, which `LossScaleOptimizer` takes away."""
        return self.inner_optimizer.loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: Any) -> None:
        # Keras' constructor sets it before there is an inner optimizer.
        if hasattr(self, "inner_optimizer"):
            self.inner_optimizer.loss_scale_factor = factor

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """The number of steps that the inner optimizer has made."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Returns the loss as the inner optimizer scales it."""
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Lets the inner optimizer set the variables' final values, such as averages."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Excludes variables from the inner optimizer's weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def set_weights(self, weights: Any) -> None:
        """Sets the inner optimizer's variables."""
        self.inner_optimizer.set_weights(weights)

    # Keras saves and loads the inner optimizer, an attribute, by itself.
    def save_own_variables(self, store: Any) -> None:
        """Saves nothing: the state is the inner optimizer's."""

    def load_own_variables(self, store: Any) -> None:
        """Loads nothing: the state is the inner optimizer's."""

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            "name": self.name,
            "inner_optimizer": keras.optimizers.serialize(self.inner_optimizer),
            "clip_factor": self.clip_factor,
            "epsilon": self.epsilon,
            "exclude": list(self.exclude),
            "axes": {path: list(axes) for path, axes in self.axes.items()},
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "AdaptiveGradientClipping":
        """Makes the optimizer that `get_config` describes."""
        inner = keras.optimizers.deserialize(config["inner_optimizer"], custom_objects)
        return cls(**{**config, "inner_optimizer": inner})


def _names(exclude: Any) -> tuple[str, ...]:
    names = () if isinstance(exclude, str) else tuple(exclude)
    if isinstance(exclude, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"Expected `exclude` to be a list of names. Received: {exclude!r}")
    return names


def _names_one(name: str, path: str) -> bool:
    """Tells whether `name` is that of a layer at `path`, or the end of the path."""
    return name in path.split("/")[:-1] or f"/{path}".endswith(f"/{name}")


def _names_any(name: str, paths: list[str]) -> bool:
    return any(_names_one(name, path) for path in paths)


def _norm(tensor: Tensor, axes: Axes) -> Tensor:
    """The Euclidean norms of a tensor's units, in at least float32, with the axes kept."""
    tensor = ops.stop_gradient(ops.convert_to_tensor(tensor))
    if tensor.dtype != "float64":
        tensor = ops.cast(tensor, "float32")
    return ops.sqrt(ops.sum(ops.square(tensor), axis=axes, keepdims=True))
