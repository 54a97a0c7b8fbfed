"""The preprocessing of the networks of keras.applications, as the first layer of a network."""

from typing import Any

import keras
from keras import ops

_MODES = ("none", "tf", "torch", "caffe")


@keras.saving.register_keras_serializable("trainer")
class Preprocessing(keras.layers.Layer):
    """Converts raw values to the input of a published network, `(batch, height, width, 3)`.

    The layer scales values to the range from 0 to 255, repeats a gray channel as red, green and blue, and calls
    `keras.applications.imagenet_utils.preprocess_input`.

    Args:
      mode: `tf` scales to -1 to 1. `torch` subtracts ImageNet's mean of each channel and divides by its standard
        deviation. `caffe` reorders to blue, green and red and subtracts their means. `none` keeps 0 to 255.
      low: the smallest raw value.
      high: the largest raw value.

    Raises:
      ValueError: `mode` is not one of these, or `high` is not above `low`.
    """

    def __init__(
        self,
        mode: str = "none",
        low: float = 0.0,
        high: float = 255.0,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        if mode not in _MODES:
            raise ValueError(f"`mode` must be one of {', '.join(_MODES)}. Received: mode={mode}")
        if not low < high:
            raise ValueError(f"`high` must be above `low`. Received: low={low}, high={high}")
        self.mode, self.low, self.high = mode, low, high

    def call(self, inputs: Any) -> Any:
        x = inputs
        if (self.low, self.high) != (0.0, 255.0):
            x = (x - self.low) * (255 / (self.high - self.low))
        if x.shape[-1] == 1:
            x = ops.repeat(x, 3, axis=-1)
        if self.mode == "none":
            return x
        return keras.applications.imagenet_utils.preprocess_input(x, data_format="channels_last", mode=self.mode)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 3)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode, "low": self.low, "high": self.high}
