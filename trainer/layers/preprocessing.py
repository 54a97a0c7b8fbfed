"""What the networks of keras.applications expect of an image, as the first layer of a network."""

from typing import Any

import keras
from keras import ops

_MODES = ("none", "tf", "torch", "caffe")


@keras.saving.register_keras_serializable("trainer")
class Preprocessing(keras.layers.Layer):
    """Brings raw values to what a published network was trained on: `(batch, height, width, 3)` of them.

    Values are brought to 0 to 255, grey is repeated as red, green and blue, and the rest is
    `keras.applications.imagenet_utils.preprocess_input`, which this layer calls.

    Args:
      mode: `tf`, from -1 to 1; `torch`, each channel less ImageNet's mean by its deviation; `caffe`, blue, green and
        red less their means; or `none`, 0 to 255.
      low: the least raw value.
      high: the greatest.

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
