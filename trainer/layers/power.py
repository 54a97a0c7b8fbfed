"""Power normalization: features with their extremes reduced."""

from typing import Any

import keras
from keras import ops

_SMALLEST = 1e-3  # what is added, so that the gradient at zero is finite


@keras.saving.register_keras_serializable("trainer")
class PowerNormalization(keras.layers.Layer):
    """Divides each value by the square root of its size: `x / sqrt(|x| + 0.001)`, of any shape.

    Mean activations have few large values and many near zero; afterwards, a linear classifier depends less on the
    large ones. Source: Perronnin, Sánchez and Mensink, "Improving the Fisher Kernel for Large-Scale Image
    Classification" (2010), section 3.2.
    """

    def call(self, inputs: Any) -> Any:
        return inputs / ops.sqrt(ops.abs(inputs) + _SMALLEST)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
