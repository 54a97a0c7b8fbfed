"""One class for each sample: the outputs are logits, `(batch, classes)`, and the targets are `(batch,)`."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.errors import one_line
from trainer.hparams import CLASSES
from trainer.objectives import metrics
from trainer.objectives.objective import Objective
from trainer.objectives.outputs import Answer, Values

CONFUSION = "confusion"


def objective(names: Sequence[str], weights: npt.ArrayLike | None = None, smoothing: float = 0.0) -> Objective:
    """Returns the objective of a classifier: cross-entropy, accuracy and, at the end, the confusion matrix.

    Args:
      names: of the classes.
      weights: the weight of each class in the loss; None if all are equal.
      smoothing: the share of each target that the loss spreads evenly over the classes.
    """
    classes = len(names)
    return Objective(
        outputs=classes,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if weights is None and not smoothing
        else WeightedCrossentropy(np.ones(classes) if weights is None else weights, smoothing),
        metrics=lambda: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        results=lambda: [Confusion(classes)],
        meaning=lambda found: Classes(names),
        evaluated={name: functools.partial(make, classes) for name, make in metrics.MAKE.items()},
    )


def class_weights(targets: npt.NDArray[np.int32], classes: int) -> npt.NDArray[np.float32]:
    """Returns each class's weight, `(classes,)`: inverse to its frequency, on average 1 over the samples.

    A class that does not occur has the weight 0. Source: G. King, L. Zeng, "Logistic Regression in Rare Events Data",
    2001.
    """
    counts = np.bincount(targets, minlength=classes)
    present = np.count_nonzero(counts)
    weights = np.divide(len(targets), present * counts, out=np.zeros(classes), where=counts > 0)
    return np.asarray(weights, np.float32)


@keras.saving.register_keras_serializable("trainer")
class WeightedCrossentropy(keras.losses.Loss):
    """The cross-entropy of logits with targets; each sample is weighted by its class.

    Source of the smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015,
    section 7.

    Args:
      weights: the weight of each class.
      smoothing: the share of each target that is spread evenly over the classes.
    """

    def __init__(self, weights: npt.ArrayLike, smoothing: float = 0.0):
        super().__init__(name="weighted_crossentropy")
        self._weights, self._smoothing = tf.constant(weights, tf.float32), smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the weighted cross-entropy of each sample, `(batch,)`."""
        losses = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        if self._smoothing:
            # Of an even target: minus the mean of the log-probabilities.
            even = tf.reduce_logsumexp(y_pred, axis=-1) - tf.reduce_mean(y_pred, axis=-1)
            losses += self._smoothing * (even - losses)
        return losses * tf.gather(self._weights, tf.cast(tf.reshape(y_true, [-1]), tf.int32))

    def get_config(self) -> dict[str, Any]:
        return {"weights": self._weights.numpy().tolist(), "smoothing": self._smoothing}


class Confusion(keras.metrics.Metric):
    """The confusion matrix, `(classes, classes)`: true classes in rows, predicted classes in columns.

    Args:
      classes: the number of classes.
    """

    def __init__(self, classes: int):
        super().__init__(name=CONFUSION, dtype="float32")  # exact up to 16 million samples per entry
        self._classes = classes
        self._counts = self.add_weight(shape=(classes, classes), initializer="zeros", name="counts")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: targets `(batch,)` and logits `(batch, classes)`."""
        true = tf.one_hot(tf.cast(y_true, tf.int32), self._classes)
        predicted = tf.one_hot(tf.argmax(y_pred, axis=-1), self._classes)
        self._counts.assign_add(tf.matmul(true, predicted, transpose_a=True))

    def result(self) -> tf.Tensor:
        return tf.convert_to_tensor(self._counts.value)


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes of a network.

    Attributes:
      names: of the classes.
    """

    names: Sequence[str]
    target: str = CLASSES
    activation: str = "softmax"

    def content(self) -> dict[str, Any]:
        return {"name": self.target}

    def link(self, outputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(tf.cast(outputs, tf.float32))

    def signature(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = self.link(outputs)
        return {
            "class": tf.gather(tf.constant(list(self.names)), tf.argmax(probabilities, axis=1)),
            "probability": tf.reduce_max(probabilities, axis=1),
            "probabilities": probabilities,
        }

    def answers(self, found: Mapping[str, npt.NDArray[Any]]) -> list[Answer]:
        named = (found[name] for name in ("class", "probability", "probabilities"))
        return [Answer(name.decode(), float(share), shares) for name, share, shares in zip(*named, strict=True)]

    def named(self, outputs: Values) -> list[Answer]:
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [Answer(self.names[one.argmax()], float(one.max()), one) for one in shares]

    def fields(self, answer: Answer, top: int) -> list[str]:
        return [f"{one_line(label)}\t{share:.4f}" for label, share in self._best(answer, top)]

    def record(self, answer: Answer, top: int) -> dict[str, Any]:
        ranked = [{"class": label, "probability": share} for label, share in self._best(answer, top)]
        return {**ranked[0], "top": ranked}

    def prediction(self, answer: Answer) -> dict[str, Any]:
        return {
            "class": answer.name,
            "probability": answer.probability,
            "probabilities": answer.probabilities.tolist(),
        }

    def caption(self, answer: Answer) -> str:
        return f"{answer.name}, {answer.probability:.0%}"

    def _best(self, answer: Answer, top: int) -> list[tuple[str, float]]:
        # A stable sort, so that equal classes keep the order of the model.
        order = (-answer.probabilities).argsort(kind="stable")[:top]
        return [(self.names[index], float(answer.probabilities[index])) for index in order]
