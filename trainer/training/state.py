"""The state of a run as plain values: numbers, text, lists, dicts and arrays; to bytes and back, nothing executed."""

import io
import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

_TREE = "tree"
_NOT_STATE = ("params", "model", "_model")  # of a Keras callback: what it is told, not what it remembers


def pack(tree: Any) -> bytes:
    """Returns plain values as a NumPy archive: every array by itself, and the rest, with their places, as JSON.

    Args:
      tree: None, booleans, numbers, text and arrays, in lists, tuples and dicts.

    Raises:
      TypeError: it holds something else.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_encode(tree, arrays))
    file = io.BytesIO()
    named: dict[str, Any] = {_TREE: np.frombuffer(text.encode(), np.uint8)}
    named |= {str(index): array for index, array in enumerate(arrays)}
    np.savez(file, **named)
    return file.getvalue()


def unpack(content: bytes) -> Any:
    """Returns what was packed."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return _decode(json.loads(arrays[_TREE].tobytes()), arrays)


def of_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, Any]:
    """Returns what callbacks remember, each under its class's `name_of`, a second one under `<name> 2`.

    A callback with `get_state` says it itself. Of any other, as Keras's, these are its attributes that are plain.
    """
    return {name: _remembered(callback) for name, callback in _named(callbacks).items()}


def name_of(kind: type[keras.callbacks.Callback]) -> str:
    """Returns the name that the state of a class's first callback has; Keras's TensorBoard is not ours."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def restore_callbacks(callbacks: Sequence[keras.callbacks.Callback], states: dict[str, Any]) -> None:
    """Lets callbacks remember what others of the same names did; one without a state is left as it is."""
    for name, callback in _named(callbacks).items():
        if name not in states:
            continue
        if hasattr(callback, "set_state"):
            callback.set_state(states[name])
        else:
            vars(callback).update(states[name])


def settle_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Makes Keras's callbacks choose now what they watch for, as they else do at the end of the first epoch.

    With the choice the sign of `min_delta` turns. A callback that was restored would turn it a second time.
    """
    for callback in callbacks:
        if hasattr(callback, "_set_monitor_op") and callback.monitor_op is None:
            callback._set_monitor_op()


def _remembered(callback: keras.callbacks.Callback) -> Any:
    if hasattr(callback, "get_state"):
        return callback.get_state()
    return {name: value for name, value in vars(callback).items() if name not in _NOT_STATE and _is_plain(value)}


def _named(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, keras.callbacks.Callback]:
    named: dict[str, keras.callbacks.Callback] = {}
    for callback in callbacks:
        name = name_of(type(callback))
        same = sum(name_of(type(other)) == name for other in named.values())
        named[f"{name} {same + 1}" if same else name] = callback
    return named


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "biufc"
    return value is None or type(value) in (bool, int, float, str)


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Returns a value as JSON's own kinds; every container and array as a pair of its kind and what it holds."""
    if not _is_plain(value) and not isinstance(value, (list, tuple, dict)):
        raise TypeError(f"a state must be made of plain values. Received: {type(value).__name__}")
    if isinstance(value, dict):
        return ["dict", [[_encode(key, arrays), _encode(item, arrays)] for key, item in value.items()]]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [_encode(item, arrays) for item in value]]
    if isinstance(value, (np.ndarray, np.generic)):
        arrays.append(np.asarray(value))
        return ["array" if isinstance(value, np.ndarray) else "scalar", len(arrays) - 1]
    return value


def _decode(value: Any, arrays: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, held = value
    if kind == "dict":
        return {_decode(key, arrays): _decode(item, arrays) for key, item in held}
    if kind in ("list", "tuple"):
        items = [_decode(item, arrays) for item in held]
        return items if kind == "list" else tuple(items)
    array = arrays[str(held)]
    return array if kind == "array" else array[()]
