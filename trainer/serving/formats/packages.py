"""The names of the formats and the packages that each one needs; imports nothing large."""

import importlib.util
from collections.abc import Mapping

from trainer.errors import UsageError

# In addition to those of this package.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "litert": ("ai_edge_litert",),
    "onnx": ("onnx", "tf2onnx", "onnxruntime"),
    "savedmodel": (),
    "keras": (),
}
NAMES = tuple(PACKAGES)
INTEGERS = ("litert",)  # the formats of `--quantize=int8`


def check(name: str) -> None:
    """Checks that the packages of a format are installed, without importing them.

    Raises:
      UsageError: one is missing.
    """
    missing = [one for one in PACKAGES[name] if importlib.util.find_spec(one) is None]
    if missing:
        raise UsageError(
            f"`--format={name}` must be used with its packages: pip install convolution-trainer[export]. "
            f"Received: no {', '.join(missing)}"
        )
