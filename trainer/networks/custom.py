"""A model's own classes: layers and models that are not Keras's, which a saved model can be loaded with alone."""

import inspect
from collections.abc import Iterator
from typing import Any

import keras


def objects(model: keras.Model) -> dict[str, Any]:
    """Returns the classes of a model's layers that are not Keras's, by the names under which Keras saves them."""
    return {keras.saving.get_registered_name(type(one)): type(one) for one in layers(model) if not _is_kerass(one)}


def unregistered(model: keras.Model) -> list[type]:
    """Returns those of a model's own classes that `keras.models.load_model` would not find by itself."""
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


def _is_kerass(layer: Any) -> bool:
    module = inspect.getmodule(type(layer))
    return type(layer).__module__.partition(".")[0] in ("keras", "trainer") or module is None
