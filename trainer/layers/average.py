"""The mean of the predictions of several networks."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("trainer")
class AveragePredictions(keras.layers.Layer):
    """The outputs that give the mean of the predictions of several networks.

    It takes a list of outputs of one shape, `(batch, outputs)`, and returns float32 of this shape. Of logits, the mean
    of the probabilities decides, not that of the logits: networks that differ make the ensemble less certain. Source:
    Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles"
    (2017), section 2.4.

    Args:
      activation: that turns the outputs into predictions: softmax, sigmoid or linear.

    Raises:
      ValueError: it is none of these.
    """

    def __init__(self, activation: str = "softmax", **kwargs: Any):
        super().__init__(**{"dtype": "float32", **kwargs})
        if activation not in _MEANS:
            raise ValueError(f"`activation` must be one of {', '.join(_MEANS)}. Received: {activation!r}")
        self.activation = activation

    def call(self, inputs: Sequence[Any]) -> Any:
        return _MEANS[self.activation](ops.stack(inputs))

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation}


def _softmax(logits: Any) -> Any:
    return ops.logsumexp(ops.log_softmax(logits, axis=-1), axis=0) - math.log(logits.shape[0])


def _sigmoid(logits: Any) -> Any:
    yes, no = (ops.logsumexp(ops.log_sigmoid(one), axis=0) for one in (logits, -logits))
    return yes - no


_MEANS: dict[str, Callable[[Any], Any]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "linear": lambda numbers: ops.mean(numbers, axis=0),
}
