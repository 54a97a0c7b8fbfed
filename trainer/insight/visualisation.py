"""The input that excites a filter or a class most, by gradient ascent from noise.

An input is a sum of cosines, whose amplitudes are learned. High frequencies are scaled down, so that the ascent changes
all frequencies alike. In each step the cosines are evaluated at positions that are shifted and scaled at random: what
excites the target only at one place or in one size is noise that the network reacts to.

Source: Olah, Mordvintsev and Schubert, Feature Visualization, Distill, 2017, whose basis is complex.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.graph import Graph
from trainer.insight.opened import inside
from trainer.insight.unfolded import Unfolded, compiled

_RATE = 0.2  # of Adam
_BETAS = (0.9, 0.99)
_SMOOTHNESS = 1.25  # of the first input: the power of a frequency by which it is scaled down
_START = 0.05  # the standard deviation of the first amplitudes
_JITTER, _ZOOM = 1 / 12, 0.15  # of each axis: the largest shift, and change of size


class Target(NamedTuple):
    """What an input excites.

    Attributes:
      unit: the number of the filter, or of the class.
      layer: the name of the filter's convolution; empty for a class.
    """

    unit: int
    layer: str = ""


class Visualised(NamedTuple):
    """Inputs that excite targets.

    Attributes:
      inputs: float32, `(targets, *spatial, channels)`.
      values: of each target, the class's logit or the filter's mean over the positions, `(targets,)`.
      steps: the number of steps that were taken: fewer than asked for if the time was over.
    """

    inputs: np.ndarray
    values: np.ndarray
    steps: int


def visualised(
    model: keras.Model,
    targets: Sequence[Target],
    limits: tuple[np.ndarray | float, np.ndarray | float] = (0.0, 255.0),
    *,
    colours: np.ndarray | None = None,
    steps: int = 128,
    seconds: float = 60.0,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Visualised:
    """Returns, for each target, the input that excites it most after some steps of gradient ascent.

    Equal arguments give equal inputs if the time is sufficient for all steps.

    Args:
      model: a Sequential or functional model from `(batch, *spatial, channels)`, of one to three spatial axes, to
        logits.
      targets: filters of convolutions, and classes.
      limits: the least and the greatest value of an input; one for all channels, or one for each.
      colours: a matrix that turns independent channels into correlated ones, `(channels, channels)`; see
        `correlation`.
      steps: of the ascent.
      seconds: after which no further step begins.
      seed: of the first input and of the transformations.
      clock: returns seconds.

    Raises:
      ValueError: there is no target, or a target is not in the model.
    """
    ascent = _Ascent(model, targets, limits, colours, seed)
    amplitudes = tf.random.stateless_normal((len(targets), *ascent.shape), (seed, 0), 0, _START)
    state = (amplitudes, tf.zeros_like(amplitudes), tf.zeros_like(amplitudes))
    end, taken = clock() + seconds, 0
    while taken < steps and clock() < end:
        taken += 1
        state, _ = ascent.step(*state, tf.constant(float(taken)), tf.constant(1.0))
    _, (inputs, values) = ascent.step(*state, tf.constant(float(taken)), tf.constant(0.0))
    return Visualised(inputs.numpy(), values.numpy(), taken)


class _Ascent:
    """The steps of an ascent, traced once.

    Args:
      model: as for `visualised`, and so the others.
    """

    def __init__(
        self,
        model: keras.Model,
        targets: Sequence[Target],
        limits: tuple[np.ndarray | float, np.ndarray | float],
        colours: np.ndarray | None,
        seed: int,
    ):
        graph = inside(model, model.outputs[:1])
        values = _values(graph, targets)
        wanted = list(dict.fromkeys(values))
        self._network = Unfolded(model, graph, wanted)
        pairs = [*zip(values, targets, strict=True)]
        # By value, the unit of each target whose value it is; -1 of the others, which `one_hot` leaves out.
        self._units = [[target.unit if its == value else -1 for its, target in pairs] for value in wanted]
        self.shape: tuple[int, ...] = tuple(model.inputs[0].shape[1:])
        if None in self.shape:
            raise ValueError(f"`model` must have an input of a known size. Received: {self.shape}")
        self._low, high = (tf.constant(np.broadcast_to(one, self.shape[-1:]), tf.float32) for one in limits)
        self._width, self._seed = high - self._low, seed
        self._mixing = tf.constant(np.eye(self.shape[-1]) if colours is None else colours, tf.float32)
        self._damping = tf.constant(_damping(self.shape[:-1])[..., None], tf.float32)
        self.step = compiled(self._climb)

    def _climb(
        self, amplitudes: tf.Tensor, first: tf.Tensor, second: tf.Tensor, step: tf.Tensor, change: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """Returns amplitudes after a step of Adam with the moments of their gradients; inputs before it, and values.

        The last call needs only the inputs. A second graph for it would take longer to trace than this step takes.

        Args:
          amplitudes: of all targets.
          first: the moving mean of their gradients.
          second: the moving mean of the squares of these.
          step: the number of this step, from 1.
          change: 1 to shift and scale the inputs at random, 0 to leave them.
        """
        seeds = tf.stack([self._seed, tf.cast(step, tf.int32)])
        random = tf.random.stateless_uniform((len(self.shape),), seeds, -1.0, 1.0) * change
        sizes = self.shape[:-1]
        positions = [_positions(size, random[axis + 1], random[0]) for axis, size in enumerate(sizes)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(amplitudes)
            inputs = self._synthesised(amplitudes, positions)
            excited = self._excited(inputs)
            total = tf.reduce_sum(excited)
        slope = tape.gradient(total, amplitudes)
        axes = list(range(1, len(self.shape) + 1))
        slope /= tf.sqrt(tf.reduce_mean(tf.square(slope), axes, keepdims=True)) + 1e-12  # targets differ in scale
        first = _BETAS[0] * first + (1 - _BETAS[0]) * slope
        second = _BETAS[1] * second + (1 - _BETAS[1]) * tf.square(slope)
        mean, square = first / (1 - _BETAS[0] ** step), second / (1 - _BETAS[1] ** step)
        climbed = amplitudes + _RATE * mean / (tf.sqrt(square) + 1e-8)
        return (climbed, first, second), (inputs, excited)

    def _synthesised(self, amplitudes: tf.Tensor, positions: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the inputs `(targets, *spatial, channels)` at positions, one vector for each axis."""
        values, rank = amplitudes * self._damping, len(self.shape) + 1
        for axis, at in enumerate(positions, 1):
            waves = tf.cos(np.pi / self.shape[axis - 1] * (at[:, None] + 0.5) * np.arange(self.shape[axis - 1]))
            summed = tf.tensordot(values, waves, [[axis], [1]])  # the axis is the last one
            values = tf.transpose(summed, [*range(axis), rank - 1, *range(axis, rank - 1)])
        mixed = tf.tensordot(values, self._mixing, [[-1], [1]])
        return self._low + self._width * tf.sigmoid(mixed)

    def _excited(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns each target's value for its own input, `(targets,)`."""
        found = tf.zeros(())
        for output, units in zip(self._network(inputs, training=False), self._units, strict=True):
            values = tf.cast(output, tf.float32)
            chosen = tf.reshape(tf.one_hot(units, values.shape[-1]), (len(units), *(1,) * (values.shape.rank - 2), -1))
            own = tf.reduce_sum(values * chosen, -1)
            found += tf.reduce_mean(tf.reshape(own, (len(units), -1)), 1)
        return found


def correlation(samples: np.ndarray) -> np.ndarray:
    """Returns how the channels of samples go together, for `visualised`: the root of their correlation matrix."""
    flat = samples.reshape(-1, samples.shape[-1]).astype(np.float64)
    spread = np.cov(flat[:: -(-len(flat) // 100_000)], rowvar=False).reshape(flat.shape[1], -1)
    values, vectors = np.linalg.eigh(spread / (np.trace(spread) / len(spread) or 1.0))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T)


def _values(graph: Graph, targets: Sequence[Target]) -> list[int]:
    """Returns the number of each target's value: what a convolution gives before its activation, or the logits."""
    found = {call.name: call for call in graph.convolutions}
    if not targets:
        raise ValueError("`targets` must have at least one filter or class. Received: none")
    values = []
    for target in targets:
        if target.layer and (target.layer not in found or found[target.layer].layer.data_format != "channels_last"):
            raise ValueError(
                f"`targets` must be filters of {', '.join(found) or 'convolutions'}, or classes. Received: {target}"
            )
        call = found.get(target.layer)
        values.append(call.outputs[0] if call else graph.outputs[0])
        (made,) = [each for each in graph.calls if values[-1] in each.outputs]
        count = made.node.outputs[made.outputs.index(values[-1])].shape[-1]
        if not 0 <= target.unit < count:
            raise ValueError(f"a target's unit must be from 0 to {count - 1}. Received: {target}")
    return values


def _damping(sizes: Sequence[int]) -> np.ndarray:
    """Returns a factor for each combination of frequencies, less for the higher; the squares' sum is 1."""
    axes = np.meshgrid(*(np.arange(size) / size for size in sizes), indexing="ij")
    lengths = np.sqrt(np.sum(np.square(axes), axis=0))
    factors = np.maximum(lengths, 1 / max(sizes)) ** -_SMOOTHNESS
    return np.asarray(factors / np.sqrt(np.square(factors).sum()))


def _positions(size: int, shift: tf.Tensor, zoom: tf.Tensor) -> tf.Tensor:
    """Returns the positions of an axis, shifted and scaled about its middle by shares from -1 to 1 of the most."""
    middle = (size - 1) / 2
    at = tf.range(size, dtype=tf.float32) - middle
    return at * (1 + _ZOOM * zoom) + middle + _JITTER * size * shift
