"""A copy of a network that shares nothing with it."""

import re

import keras


def copied(model: keras.Model) -> keras.Model:
    """Returns a copy of a Sequential or functional model, with its weights; the model itself if it cannot be copied.

    Nested models, shared layers and custom layers, registered with Keras or not, are rebuilt from their configurations.
    The copy is used only if its variables have the same order, shapes and types.
    """
    kinds = {type(layer) for layer in model._flatten_layers()}
    own = [kind for kind in kinds if _is_unknown(kind)]
    names = {name: kind for kind in own for name in (kind.__name__, keras.saving.get_registered_name(kind))}
    try:
        with keras.saving.custom_object_scope(names):
            other = keras.models.clone_model(model)
    except Exception:  # a custom layer may raise anything in `get_config`, `from_config` or `__init__`
        return model
    if [*map(_kind, other.variables)] != [*map(_kind, model.variables)]:
        return model
    layers = [*other._flatten_layers()], [*model._flatten_layers()]
    if len(layers[0]) == len(layers[1]):
        for copy, original in zip(*layers, strict=True):
            copy.name = original.name  # which a subclassed model's own configuration lacks
    for ours, theirs in zip(other.variables, model.variables, strict=True):
        ours.assign(theirs.value)
    return other


def _is_unknown(kind: type) -> bool:
    """Returns whether Keras does not find a class by its name: a person's own, or one of keras.applications."""
    return kind.__module__.partition(".")[0] != "keras" or kind.__module__.startswith("keras.src.applications")


def _kind(variable: keras.Variable) -> tuple[str, tuple[int, ...], str]:
    """Returns a variable's name, without the number that Keras gives within the process, its shape and its type."""
    return re.sub(r"_\d+$", "", variable.name), tuple(variable.shape), str(variable.dtype)
