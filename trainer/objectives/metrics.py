"""Metrics of a classifier over a whole part of the data, for `--metric`; computed after each validation.

`MAKE` has those of `trainer.metrics` that a run does not compute anyway. The devices collect what a metric needs, batch
by batch, in variables that are summed over the devices. `trainer.objectives.scores` computes the value from all of it
once, on the CPU, so that it is exact.
"""

from collections.abc import Callable, Mapping

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.objectives import scores

_UP = "up"  # the better, the higher; Keras's callbacks ask for it


class _OfClasses(keras.metrics.Metric):
    """A metric of the samples of each class and how they are classified.

    Args:
      classes: the number of classes.
      score: computes the value from the counts of each class: of correct samples, predictions and samples.
      name: of the metric.
    """

    _direction = _UP

    def __init__(self, classes: int, score: Callable[..., float], name: str):
        super().__init__(name=name, dtype="float32")  # exact up to 16 million samples of a class
        self._classes, self._score = classes, score
        self._counts = self.add_weight(shape=(3, classes), initializer="zeros", name="counts")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: targets `(batch,)` and logits `(batch, classes)`."""
        true = tf.one_hot(tf.cast(y_true, tf.int32), self._classes)
        predicted = tf.one_hot(tf.argmax(y_pred, axis=-1), self._classes)
        self._counts.assign_add(tf.stack([tf.reduce_sum(one, axis=0) for one in (true * predicted, predicted, true)]))

    def result(self) -> tf.Tensor:
        return _computed(lambda counts: self._score(*counts.astype(np.float64)), self._counts)


class AreaUnderCurve(keras.metrics.Metric):
    """The area under the ROC curve of each class against the others, on average over the classes.

    It keeps the logits of all samples, since an exact area needs their order: float32 `(samples, classes)` on each
    device.

    Args:
      classes: the number of classes.
      samples: the number of samples of a part, at most.
    """

    _direction = _UP

    def __init__(self, classes: int, samples: int):
        super().__init__(name="auc", dtype="float32")
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # One device of several has at most one row more per step than its share; it has as many steps as rows, at most.
        self._rows = samples if replicas == 1 else 2 * -(-samples // replicas)
        # Each device has rows of its own, in which the others have zeros. The first column is the target plus one.
        shape = (replicas * self._rows, 1 + classes)
        self._samples = self.add_weight(shape=shape, initializer="zeros", name="samples")
        self._count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: targets `(batch,)` and logits `(batch, classes)`."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        batch = tf.shape(y_pred)[0]
        first = tf.cast(replica, tf.int32) * self._rows + tf.cast(self._count.value, tf.int32)
        rows = tf.concat([tf.cast(y_true, tf.float32)[:, None] + 1, tf.cast(y_pred, tf.float32)], axis=1)
        tf.raw_ops.ResourceScatterNdUpdate(
            ref=self._samples.value.handle, indices=(first + tf.range(batch))[:, None], updates=rows
        )
        self._count.assign_add(tf.cast(batch, tf.float32))

    def result(self) -> tf.Tensor:
        return _computed(_area, self._samples)


MAKE: Mapping[str, Callable[[int, int], keras.metrics.Metric]] = {  # from the numbers of classes and of samples
    "balanced_accuracy": lambda classes, samples: _OfClasses(classes, scores.balanced_accuracy, "balanced_accuracy"),
    "macro_f1": lambda classes, samples: _OfClasses(classes, scores.macro_f1, "macro_f1"),
    "auc": AreaUnderCurve,
}


def _area(samples: npt.NDArray[np.float32]) -> float:
    known = samples[samples[:, 0] > 0]
    return scores.area_under_curve(known[:, 0].astype(int) - 1, scores.softmax(known[:, 1:]))


def _computed(compute: Callable[[npt.NDArray[np.float32]], float], variable: keras.Variable) -> tf.Tensor:
    values = tf.convert_to_tensor(variable.value)
    return tf.ensure_shape(tf.numpy_function(lambda found: np.float64(compute(found)), [values], tf.float64), ())
