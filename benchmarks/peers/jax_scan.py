"""JAX with Flax and optax on an accelerator: the data there, and a whole epoch with its validation in one call."""

import functools
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers import dataset
from benchmarks.peers.dataset import Arrays
from benchmarks.peers.flax_loop import Network
from benchmarks.peers.protocol import Channel, Report, serve
from benchmarks.peers.setting import SEED, Setting

_EVALUATION_BATCH = 256  # the engine's


class Trainer:
    """Holds the network's state, the jitted epoch and the data."""

    def __init__(self, arrays: Arrays, setting: Setting):
        self._batch, self._count = setting.batch, arrays.images_per_epoch(setting.batch)
        self._network = Network(setting.filters, arrays.classes, jnp.dtype(setting.precision))
        self._optimizer = optax.adam(1e-3)
        self._data = jnp.asarray(arrays.images), jnp.asarray(arrays.labels)
        self._validation = jnp.asarray(arrays.validation_images), jnp.asarray(arrays.validation_labels)
        weights = self._network.init(jax.random.key(SEED), self._data[0][:1])
        self._state, self._epochs = (weights, self._optimizer.init(weights)), 0

    def epoch(self) -> Report:
        """Trains on all full batches in a new order, then evaluates on the validation split."""
        key = jax.random.key(self._epochs)
        self._state, trained, validated = self._epoch(self._state, key, self._data, self._validation)
        self._epochs += 1
        loss, accuracy = np.asarray(trained) / self._count
        val_loss, val_accuracy = np.asarray(validated) / len(self._validation[1])
        return {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _epoch(self, state: Any, key: jax.Array, data: Any, validation: Any) -> Any:
        images, labels = data
        order = jax.random.permutation(key, len(labels))[: self._count].reshape(-1, self._batch)

        def step(state: Any, indices: jax.Array) -> Any:
            weights, moments = state
            gradient, sums = jax.grad(self._losses, has_aux=True)(weights, images[indices], labels[indices])
            updates, moments = self._optimizer.update(gradient, moments, weights)
            return (optax.apply_updates(weights, updates), moments), sums

        state, sums = jax.lax.scan(step, state, order)
        return state, sums.sum(0), self._evaluate(state[0], *validation)

    def _evaluate(self, weights: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
        whole = len(labels) // _EVALUATION_BATCH * _EVALUATION_BATCH
        sums = self._losses(weights, images[whole:], labels[whole:])[1] if whole < len(labels) else jnp.zeros(2)
        if not whole:
            return sums
        parts = [one[:whole].reshape(-1, _EVALUATION_BATCH, *one.shape[1:]) for one in (images, labels)]
        return sums + jax.lax.map(lambda part: self._losses(weights, *part)[1], tuple(parts)).sum(0)

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
