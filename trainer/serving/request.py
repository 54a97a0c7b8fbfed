"""A prediction request as Vertex AI defines it: `{"instances": […]}`, each an encoded image in base64, or pixels.

Source: "Custom container requirements for inference", and TensorFlow Serving's REST API for `{"b64": …}`.
"""

import base64
import binascii
import json
from typing import Any

import numpy as np

from trainer.serving import signature
from trainer.serving.predictor import Pixels


class MalformedError(ValueError):
    """A request breaks the contract. Its message says how."""


def instances(body: bytes, input_shape: tuple[int, int, int]) -> list[bytes | Pixels]:
    """Returns the images that a request's body asks about, each a file's content or pixels.

    An instance is `{"b64": …}`, a nested list of pixels, or either under its input's name: `{"image_bytes": …}`,
    `{"image": …}`. Grey pixels may lack the axis of their one channel.

    Args:
      body: JSON.
      input_shape: `(height, width, channels)` of pixels.

    Raises:
      MalformedError: it is something else.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedError("the body must be JSON") from None
    found = content.get("instances") if isinstance(content, dict) else None
    if not (isinstance(found, list) and found):
        raise MalformedError('the body must be {"instances": […]}, with one or more of them')
    return [_instance(one, f"instances[{index}]", input_shape) for index, one in enumerate(found)]


def _instance(one: Any, name: str, input_shape: tuple[int, int, int]) -> bytes | Pixels:
    if isinstance(one, dict) and len(one) == 1:
        ((key, value),) = one.items()
        if key == "b64":
            return _encoded(value, name)
        if key == signature.BYTES_INPUT and isinstance(value, dict) and [*value] == ["b64"]:
            return _encoded(value["b64"], name)
        if key == signature.ARRAY_INPUT:
            return _pixels(value, name, input_shape)
    if isinstance(one, list):
        return _pixels(one, name, input_shape)
    raise MalformedError(f'{name} must be {{"b64": …}} or a list of pixels')


def _encoded(text: Any, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise MalformedError(f"{name}.b64 must be an image in base64") from None


def _pixels(values: Any, name: str, input_shape: tuple[int, int, int]) -> Pixels:
    rule = f"{name} must be numbers from 0 to 255 in the shape {list(input_shape)}"
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        raise MalformedError(f"{rule}. Received: rows of unequal length") from None
    if array.shape == input_shape[:2] and input_shape[2] == 1:
        array = array[..., np.newaxis]
    if array.shape != input_shape:
        raise MalformedError(f"{rule}. Received: {list(array.shape)}")
    if array.dtype.kind not in "iuf" or not (array.min() >= 0 and array.max() <= 255):  # a NaN is neither
        raise MalformedError(rule)
    return array.astype(np.float32)
