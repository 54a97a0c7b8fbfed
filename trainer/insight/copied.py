"""A copy of a network that shares nothing with it."""

import re

import keras


def copied(model: keras.Model) -> keras.Model:
    """Returns a copy of a Sequential or functional model, with its weights; the model itself where none can be made.

    Nested models, shared layers and layers of one's own, registered with Keras or not, are made anew from their
    configurations. A copy counts where its variables are in the same order with the same shapes and types.
    """
    kinds = {type(layer) for layer in model._flatten_layers()}
    own = [kind for kind in kinds if _is_unknown(kind)]
    names = {name: kind for kind in own for name in (kind.__name__, keras.saving.get_registered_name(kind))}
    try:
        with keras.saving.custom_object_scope(names):
            other = keras.models.clone_model(model)
    except Exception:  # whatever a layer of a person's own raises in `get_config`, `from_config` or `__init__`
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
