"""JAX with Flax and optax: one jitted step whose state is donated, the data on the device.

There is one step per call, because on a CPU XLA runs a convolution inside `lax.scan` on one thread and without its fast
kernel: 10 images/s of this network instead of 400, on two cores. Pooling by reshaping is not faster than `max_pool`.
"""

import functools
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from benchmarks.peers import dataset
from benchmarks.peers.dataset import Arrays
from benchmarks.peers.protocol import Channel, Report, serve
from benchmarks.peers.setting import SEED, Setting

_EVALUATION_BATCH = 500  # the engine's


class Network(nn.Module):
    """Maps uint8 `(batch, height, width, channels)` to logits; computes in `dtype` with float32 weights."""

    filters: int
    classes: int
    dtype: Any

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        maps = images.astype(self.dtype) * jnp.asarray(1 / 255, self.dtype)
        maps = nn.relu(nn.Conv(self.filters, (3, 3), dtype=self.dtype)(maps))
        maps = nn.relu(nn.Conv(2 * self.filters, (3, 3), dtype=self.dtype)(maps))
        maps = nn.max_pool(maps, (2, 2), (2, 2))
        hidden = nn.relu(nn.Dense(128, dtype=self.dtype)(maps.reshape(len(maps), -1)))
        return nn.Dense(self.classes, dtype=jnp.float32)(hidden)


class Trainer:
    """Holds the network's state, the jitted functions and the data."""

    def __init__(self, arrays: Arrays, setting: Setting):
        self._batch, self._count = setting.batch, arrays.images_per_epoch(setting.batch)
        self._network = Network(setting.filters, arrays.classes, jnp.dtype(setting.precision))
        self._optimizer = optax.adam(1e-3)
        self._random = np.random.default_rng(SEED)
        self._data = jnp.asarray(arrays.images), jnp.asarray(arrays.labels)
        self._validation = jnp.asarray(arrays.validation_images), jnp.asarray(arrays.validation_labels)
        weights = self._network.init(jax.random.key(SEED), self._data[0][:1])
        self._state = weights, self._optimizer.init(weights)

    def epoch(self) -> Report:
        """Trains on all full batches in a new order, then evaluates on the validation split."""
        order = self._random.permutation(len(self._data[1]))[: self._count].reshape(-1, self._batch)
        sums = jnp.zeros(2)
        for indices in order:
            self._state, sums = self._step(self._state, sums, *self._data, indices)
        weights, validation = self._state[0], jnp.zeros(2)
        count = len(self._validation[1])
        for begin in range(0, count, _EVALUATION_BATCH):
            part = (array[begin : begin + _EVALUATION_BATCH] for array in self._validation)
            validation = validation + self._evaluate(weights, *part)
        loss, accuracy = np.asarray(sums) / self._count
        val_loss, val_accuracy = np.asarray(validation) / count
        return {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=(1, 2))
    def _step(self, state: Any, sums: jax.Array, images: jax.Array, labels: jax.Array, indices: jax.Array) -> Any:
        weights, moments = state
        gradient, more = jax.grad(self._losses, has_aux=True)(weights, images[indices], labels[indices])
        updates, moments = self._optimizer.update(gradient, moments, weights)
        return (optax.apply_updates(weights, updates), moments), sums + more

    @functools.partial(jax.jit, static_argnums=0)
    def _evaluate(self, weights: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
        return self._losses(weights, images, labels)[1]

    def _losses(self, weights: Any, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the mean loss, and the sums of losses and of correct predictions."""
        logits = self._network.apply(weights, images)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), jnp.stack([losses.sum(), (logits.argmax(1) == labels).sum()])


def main(setting: Setting, channel: Channel) -> None:
    arrays = dataset.read(setting.arrays)
    serve(channel, arrays.images_per_epoch(setting.batch), Trainer(arrays, setting).epoch)


if __name__ == "__main__":
    main(Setting.from_json(sys.argv[1]), Channel())
