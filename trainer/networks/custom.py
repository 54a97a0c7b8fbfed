"""The custom objects of a model: layer classes, and functions and classes that its layers use."""

import contextlib
import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

import keras

_KNOWN = ("keras", "trainer")  # packages that register their classes


def objects(model: keras.Model) -> dict[str, Any]:
    """Returns the classes and functions of a model that are not Keras's, by the names that Keras saves.

    Keras loads the saved model if they are passed as `custom_objects`.
    """
    return {keras.saving.get_registered_name(one): one for one in _every(model)}


def unregistered(model: keras.Model) -> list[Any]:
    """Returns the custom objects that Keras cannot find by itself when it loads the saved model."""
    found = objects(model)
    return [one for name, one in found.items() if keras.saving.get_registered_object(name) is not one]


def layers(model: keras.Model) -> Iterator[Any]:
    """Yields the model and all nested layers, each once; a layer precedes its own layers."""
    pending, seen = [model], set()
    while pending:
        layer = pending.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            pending += reversed([*layer._flatten_layers(include_self=False, recursive=False)])


def complete(model: keras.Model) -> keras.Model:
    """Returns a model whose classes without `get_config` can be recreated from the arguments that Keras records.

    Keras records the arguments of a class, and adds `name`, `trainable` and `dtype`. Only a class whose `__init__` has
    `**kwargs` accepts these.
    """
    for layer in layers(model):
        kind = type(layer)
        parameters = inspect.signature(kind.__init__).parameters
        takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        if not takes_all and not _is_known(kind) and _is_known(kind.get_config):
            layer.get_config = functools.partial(_config, layer, frozenset(parameters))
    return model


def _config(layer: Any, names: frozenset[str]) -> dict[str, Any]:
    if layer._auto_config is None:
        raise NotImplementedError(
            f"{type(layer).__qualname__} must have a get_config, because its arguments are more than numbers and texts"
        )
    config = {**type(layer).get_config(layer), **layer._auto_config.config}
    return {name: value for name, value in config.items() if name in names}


@contextlib.contextmanager
def recorded() -> Iterator[None]:
    """Makes Keras record the arguments of models created in the block, as it does for layers, so they can be saved.

    This applies to subclasses of `keras.Model` without `get_config` whose arguments are numbers, texts and lists of
    these. Keras 3.15 records none of them, since `Model.__new__` does not pass them to `Layer.__new__`.
    """
    former = keras.Model.__new__

    def new(cls: type, *arguments: Any, **named: Any) -> Any:
        if cls is keras.Model or not (arguments or named):
            return former(cls, *arguments, **named)
        return super(keras.Model, cls).__new__(cls, *arguments, **named)

    keras.Model.__new__ = staticmethod(new)
    try:
        yield
    finally:
        keras.Model.__new__ = staticmethod(former)


def _every(model: keras.Model) -> Iterator[Any]:
    for layer in layers(model):
        for one in (layer, *vars(layer).values()):
            is_function = isinstance(one, types.FunctionType)
            found = one if is_function else type(one)
            is_saved = is_function or (hasattr(found, "get_config") and hasattr(found, "from_config"))
            if is_saved and not _is_known(found):
                yield found


def _is_known(one: Any) -> bool:
    return one.__module__.partition(".")[0] in _KNOWN
