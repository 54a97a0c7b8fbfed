"""The mean and the spread of each channel over the training samples, by which a network scales its input."""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.stores.store import Store

_MOST_VALUES = 2**26  # values that are read, from evenly spaced samples; half a gigabyte in float64
_AT_ONCE = 64  # samples that are read together


def scaled(form: Form, samples: npt.NDArray[Any]) -> Form:
    """Returns a form with the mean and the spread of samples `(count, *spatial, channels)`, which have no bounds."""
    step = max(1, math.ceil(samples.size / _MOST_VALUES))
    values = np.asarray(samples[::step], np.float64).reshape(-1, samples.shape[-1])
    return _with_moments(form, values.mean(0), values.var(0))


def of_store(form: Form, store: Store) -> Form:
    """Returns a form with the mean and the spread of a store's samples; it reads only as many as needed."""
    step = max(1, math.ceil(len(store) * math.prod(form.shape) / _MOST_VALUES))
    chosen = tf.constant(np.arange(0, len(store), step))
    batches = -(-len(chosen) // _AT_ONCE)

    def indices(element: tf.Tensor) -> tf.Tensor:
        return chosen[element * _AT_ONCE : (element + 1) * _AT_ONCE]

    def sums(element: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        values = tf.reshape(tf.cast(samples, tf.float64), (-1, form.channels))
        return tf.stack([tf.reduce_mean(values, 0), tf.reduce_mean(values**2, 0)]), tf.shape(samples)[0]

    total, count = np.zeros((2, form.channels)), 0
    for mean, weight in store.read(tf.data.Dataset.range(batches), indices, sums):
        total, count = total + mean.numpy() * int(weight), count + int(weight)
    mean, square = total / count
    return _with_moments(form, mean, square - mean**2)


def _with_moments(form: Form, mean: npt.NDArray[np.float64], variance: npt.NDArray[np.float64]) -> Form:
    """Returns the form; a constant channel has the spread 1."""
    spread = np.sqrt(np.maximum(variance, 0))
    spread[spread <= 1e-12 * np.maximum(1, np.abs(mean))] = 1.0
    centre, scale = (tuple(float(f"{value:.9g}") for value in values) for values in (mean, spread))
    return dataclasses.replace(form, low=-math.inf, high=math.inf, centre=centre, spread=scale)
