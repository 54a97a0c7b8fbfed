"""Training samples that are blended in pairs.

A pair consists of two neighbours in a batch, whose order is random. One share holds for all pairs of a step. Where each
device trains an even number of rows, the pairs do not depend on how the batch is shared out.

Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017.
"""

import dataclasses

import numpy as np
import tensorflow as tf

_SHARES = 4096  # that are drawn; the steps take them in turn


@dataclasses.dataclass(frozen=True)
class Mixing:
    """How much of a sample its blend has, by step.

    Attributes:
      alpha: the share has the distribution Beta(alpha, alpha).
      seed: of the shares.
    """

    alpha: float
    seed: int

    @classmethod
    def of(cls, alpha: float, seed: int) -> "Mixing | None":
        """Returns the mixing that `--mixup` asks for."""
        return cls(alpha, seed) if alpha else None

    def share(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the share of each sample in its own blend, float32 from 0.5 to 1: the rest is its partner's."""
        drawn = np.random.default_rng(self.seed).beta(self.alpha, self.alpha, _SHARES)
        shares = tf.constant(np.maximum(drawn, 1 - drawn), tf.float32)
        return tf.gather(shares, tf.cast(step, tf.int64) % _SHARES)


def partners(values: tf.Tensor) -> tf.Tensor:
    """Returns the partner of each row, `(rows, …)`; the last of an odd number is its own."""
    rows = tf.shape(values)[0]
    return tf.gather(values, tf.minimum(tf.bitwise.bitwise_xor(tf.range(rows), 1), rows - 1))


def blend(samples: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Returns samples, `(rows, …)`, each blended with its partner."""
    return mean(samples, partners(samples), share)


def mean(own: tf.Tensor, other: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Returns a mean of two tensors, of which the first has a share."""
    return other + tf.cast(share, own.dtype) * (own - other)
