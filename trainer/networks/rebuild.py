"""Rebuilds a model with its weights for another input size and another precision."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


class MisfitError(ValueError):
    """A layer's weights, or its computation, do not fit the new input."""


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets the dtype policy of all layers that are created in the block."""
    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)


def rebuild(model: keras.Model, shape: tuple[int, ...], policy: str | None, name: str) -> keras.Model:
    """Returns a functional model with the same layers, names and weights, all trainable.

    An adapted `keras.layers.Normalization` gets constants instead of weights, because Keras computes with a copy of its
    weights, which it does not update when weights are restored.

    Args:
      model: a Sequential or functional model with one input.
      shape: the shape of one sample of the new input.
      policy: the name of Keras's dtype policy for every layer; None keeps each layer's own.
      name: the name of the new model.

    Raises:
      MisfitError: a layer does not fit inputs of that shape.
    """
    with dtype_policy(policy) if policy else contextlib.nullcontext():
        return _rebuild(model, keras.Input(shape, name=model.inputs[0].name), policy, name)


def is_graph(layer: Any) -> bool:
    """Returns whether a layer is a model whose layers can be traversed."""
    return isinstance(layer, keras.Model) and layer.built and bool(getattr(layer, "outputs", None))


def _rebuild(model: keras.Model, inputs: Any, policy: str | None, name: str) -> keras.Model:
    copies: dict[int, Any] = {}  # a layer may be called more than once

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        is_new = id(layer) not in copies
        if is_new:
            copies[id(layer)] = _copy(layer, args, policy)
        copy = copies[id(layer)]
        try:
            outputs = copy(*args, **kwargs)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise MisfitError(f"layer {layer.name}: {str(error).splitlines()[0]}") from error
        if is_new and isinstance(copy, keras.layers.Layer) and not _is_entered(layer):
            _give_weights(copy, layer)
        return outputs

    functional = keras.Model(model.inputs[0], model.outputs[0], name=name)  # Sequential's calls cannot be replaced
    return keras.models.clone_model(
        functional, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
    )


def _copy(layer: Any, args: Any, policy: str | None) -> Any:
    """Returns a layer, or an operation, of the same configuration."""
    if _is_entered(layer):
        (taken,) = keras.tree.flatten(args)
        return _rebuild(layer, keras.Input(taken.shape[1:], name=layer.inputs[0].name), policy, layer.name)
    config = layer.get_config()
    if isinstance(layer, keras.layers.Normalization) and layer.weights:
        mean, variance = layer.adapt_mean, layer.adapt_variance
        config |= {"mean": _values(mean), "variance": _values(variance)}
    return type(layer).from_config(_with(config, policy) if isinstance(layer, keras.layers.Layer) else config)


def _is_entered(layer: Any) -> bool:
    return is_graph(layer) and len(layer.inputs) == len(layer.outputs) == 1


def _with(config: dict[str, Any], policy: str | None) -> dict[str, Any]:
    """Returns a layer's configuration with another policy, also for wrapped layers."""
    changed = {key: _wrapped(value, policy) for key, value in config.items()}
    own = {"trainable": True} | ({"dtype": policy} if policy else {})
    return changed | {key: value for key, value in own.items() if key in config}


def _wrapped(value: Any, policy: str | None) -> Any:
    if isinstance(value, list):
        return [_wrapped(one, policy) for one in value]
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return value | {"config": _with(value["config"], policy)}
    return value


def _values(variable: Any) -> Any:
    return keras.ops.convert_to_numpy(variable).tolist()


def _give_weights(copy: keras.layers.Layer, layer: keras.layers.Layer) -> None:
    if isinstance(layer, keras.layers.Normalization):
        return
    there, here = ([tuple(weight.shape) for weight in one.weights] for one in (layer, copy))
    if there != here:
        raise MisfitError(f"layer {layer.name}: weights of {_listed(there)} in the file, {_listed(here)} here")
    copy.set_weights(layer.get_weights())


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"
