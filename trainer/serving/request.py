"""A prediction request as Vertex AI defines it: `{"instances": […]}`, each an encoded image in base64, or pixels.

Source: "Custom container requirements for inference", and TensorFlow Serving's REST API for `{"b64": …}`.
"""

import base64
import binascii
import json
from typing import Any

import numpy as np

from trainer.data.form import Form
from trainer.serving import signature
from trainer.serving.predictor import Values


class MalformedError(ValueError):
    """A request breaks the contract. Its message says how."""


def instances(body: bytes, form: Form, sample: str = "image") -> list[bytes | Values]:
    """Returns the samples that a request's body asks about, each a file's content or raw values.

    An instance is `{"b64": …}`, a nested list of values, or either under its input's name: of images
    `{"image_bytes": …}` and `{"image": …}`. Values with one channel may lack its axis.

    Args:
      body: JSON.
      form: of the values.
      sample: the name of the inputs.

    Raises:
      MalformedError: it is something else.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedError("the body must be JSON") from None
    found = content.get("instances") if isinstance(content, dict) else None
    if not (isinstance(found, list) and found):
        raise MalformedError('the body must be {"instances": […]} with at least one instance')
    return [_instance(one, f"instances[{index}]", form, sample) for index, one in enumerate(found)]


def _instance(one: Any, name: str, form: Form, sample: str) -> bytes | Values:
    if isinstance(one, dict) and len(one) == 1:
        ((key, value),) = one.items()
        if key == "b64":
            return _encoded(value, name, sample)
        if key == sample + signature.BYTES_SUFFIX and isinstance(value, dict) and [*value] == ["b64"]:
            return _encoded(value["b64"], name, sample)
        if key == sample:
            return _values(value, name, form)
    if isinstance(one, list):
        return _values(one, name, form)
    raise MalformedError(f'{name} must be {{"b64": …}} or a list of values')


def _encoded(text: Any, name: str, sample: str) -> bytes:
    try:
        unwrapped = "".join(text.split()) if isinstance(text, str) else text  # lines of 76 characters, as MIME's are
        return base64.b64decode(unwrapped, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise MalformedError(f"{name}.b64 must be {'an' if sample[0] in 'aeiou' else 'a'} {sample} in base64") from None


def _values(given: Any, name: str, form: Form) -> Values:
    bounds = f" from {form.low:g} to {form.high:g}" if form.is_bounded else ""
    rule = f"{name} must be numbers{bounds} in the shape {list(form.shape)}"
    try:
        array = np.asarray(given)
    except (ValueError, OverflowError):
        raise MalformedError(f"{rule}. Received: rows of unequal length") from None
    if array.shape == form.sizes and form.channels == 1:
        array = array[..., np.newaxis]
    if array.shape != form.shape:
        raise MalformedError(f"{rule}. Received: {list(array.shape)}")
    is_finite = array.dtype.kind in "iuf" and np.isfinite(array).all()
    if not (is_finite and array.min() >= form.low and array.max() <= form.high):
        raise MalformedError(rule)
    return array.astype(np.float32)
