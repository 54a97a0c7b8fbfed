"""What a model holds that is not Keras's: classes of layers, and functions and classes that its layers are given."""

import types
from collections.abc import Iterator
from typing import Any

import keras

_KNOWN = ("keras", "trainer")  # packages that register what they have


def objects(model: keras.Model) -> dict[str, Any]:
    """Returns the classes and functions of a model that are not Keras's, by the names under which Keras saves them.

    With them as `custom_objects`, Keras loads the saved model.
    """
    return {keras.saving.get_registered_name(one): one for one in _every(model)}


def unregistered(model: keras.Model) -> list[Any]:
    """Returns those that Keras does not find by itself when it loads the saved model."""
    found = objects(model)
    return [one for name, one in found.items() if keras.saving.get_registered_object(name) is not one]


def layers(model: keras.Model) -> Iterator[Any]:
    """Yields the model, its layers and theirs, to any depth, each once; what a layer holds comes after it."""
    pending, seen = [model], set()
    while pending:
        layer = pending.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            pending += reversed([*layer._flatten_layers(include_self=False, recursive=False)])


def _every(model: keras.Model) -> Iterator[Any]:
    for layer in layers(model):
        for one in (layer, *vars(layer).values()):
            is_function = isinstance(one, types.FunctionType)
            found = one if is_function else type(one)
            is_saved = is_function or (hasattr(found, "get_config") and hasattr(found, "from_config"))
            if is_saved and found.__module__.partition(".")[0] not in _KNOWN:
                yield found
