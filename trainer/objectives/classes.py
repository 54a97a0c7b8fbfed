"""Classes that are seldom weigh more."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf


def class_weights(labels: npt.NDArray[np.int32], classes: int) -> npt.NDArray[np.float32]:
    """Returns each class's weight, `(classes,)`: inverse to how often it is, on average 1 over the images.

    One that does not occur weighs nothing. Source: G. King, L. Zeng, "Logistic Regression in Rare Events Data", 2001.
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    weights = np.divide(len(labels), present * counts, out=np.zeros(classes), where=counts > 0)
    return np.asarray(weights, np.float32)


@keras.saving.register_keras_serializable("trainer")
class WeightedCrossentropy(keras.losses.Loss):
    """The cross-entropy of logits with labels, each image's times the weight of its class.

    Args:
      weights: of each class.
    """

    def __init__(self, weights: npt.ArrayLike):
        super().__init__(name="weighted_crossentropy")
        self._weights = tf.constant(weights, tf.float32)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the weighted cross-entropy of each image, `(batch,)`."""
        losses = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        return losses * tf.gather(self._weights, tf.cast(tf.reshape(y_true, [-1]), tf.int32))

    def get_config(self) -> dict[str, Any]:
        return {"weights": self._weights.numpy().tolist()}
