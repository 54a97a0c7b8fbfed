"""What a network does with a few samples: its feature maps, its gradients, its predictions; nothing is written here."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from trainer.data.form import Form
from trainer.insight import choice
from trainer.insight.copied import copied
from trainer.insight.exciting import Excitation, Exciting
from trainer.insight.graph import Call, kernel_of
from trainer.insight.opened import closed, inside
from trainer.insight.shapes import held, shapes
from trainer.insight.unfolded import Unfolded, compiled
from trainer.insight.watched import templates, watched
from trainer.objectives.outputs import Outputs

_MOST_PROBES = 10  # each has pictures of its own
_MOST_SAMPLES = 32  # of which activations and gradients are taken; half a training step's
_MOST_EXAMPLES = 2000  # that are classified at the end; 5 % of them are wrong by chance in 0.5 % more or less
_BATCH = 256
_MOST_VALUES = 2**22  # of a batch of larger samples: 27 images of 224x224 pixels in colour
_MOST_UNITS = 4096  # of the last hidden values; wider ones are summed to an eighth of it


@dataclasses.dataclass(frozen=True)
class Observed:
    """The targets of samples that are not of one class each.

    Attributes:
      targets: labels or numbers, `(count, outputs)`.
      loss: of targets and the network's outputs.
      outputs: what the outputs mean.
    """

    targets: np.ndarray
    loss: keras.losses.Loss
    outputs: Outputs


@dataclasses.dataclass(frozen=True)
class Examples:
    """The samples on which a network is observed.

    Attributes:
      samples: samples that are not in the training split, `(count, *spatial, channels)`.
      labels: the classes of the samples, `(count,)`; of samples with labels the rarest one, of numbers the first.
      classes: the names of the classes, labels or numbers.
      changes: training samples before and after augmentation; None if there is no augmentation.
      given: the form of a sample; None means values from 0 to 255 and unknown axes.
      noun: the word for a sample, such as image.
      observed: the targets, where they are not classes.
    """

    samples: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    changes: tuple[np.ndarray, np.ndarray] | None = None
    given: Form | None = None
    noun: str = "image"
    observed: Observed | None = None

    @property
    def form(self) -> Form:
        """The form of a sample."""
        return self.given or Form(self.samples.shape[1:-1], self.samples.shape[-1])


class Snapshot(NamedTuple):
    """The weights of a network at one step.

    Attributes:
      values: of each variable, in the order of `model.variables`; nobody writes to them.
      learning: of each variable, whether it learned then.
    """

    values: Sequence[np.ndarray]
    learning: Sequence[bool]


@dataclasses.dataclass(frozen=True)
class Look:
    """What a network did at one step. For a deep network, it contains the layers that `trainer.insight.choice` selects.

    Attributes:
      kernels: the kernel of each convolution, `(*spatial, channels, filters)`; a shared one has the name of its first
        call.
      maps: the activated output of each call of a convolution, `(count, *spatial, filters)`; the probes come first.
      activations: the maps, and the activated output of each dense layer, `(count, units)`.
      weights: the weights, by the name of layer and variable.
      gradients: the gradients of the mean loss over the samples, by the same names.
      templates: the weights of each dense layer that reads the flattened sample, `(*spatial, channels, units)`.
    """

    kernels: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]
    activations: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    templates: dict[str, np.ndarray]

    def dead(self) -> dict[str, np.ndarray]:
        """Returns, for each convolution, which filters have a constant output, `(filters,)`."""
        flat = {name: maps.reshape(-1, maps.shape[-1]) for name, maps in self.maps.items()}
        return {name: values.min(0) == values.max(0) for name, values in flat.items()}

    def changes(self, kernels: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the norm of the change of each convolution's kernels, relative to their previous norm."""
        pairs = {name: (kernel, kernels[name]) for name, kernel in self.kernels.items() if name in kernels}
        return {
            name: float(np.linalg.norm(now - then) / (np.linalg.norm(then) or 1.0))
            for name, (now, then) in pairs.items()
        }


class Observer:
    """Observes a network through a copy, which is independent of the strategy and the random state of the training.

    A snapshot of the network is taken where it trains; all else can be done in another thread, one call at a time. If a
    network cannot be copied, the original is observed; this does not change it, and works between its steps alone.

    Args:
      model: a Sequential or functional model from samples, `(batch, *spatial, channels)`, to logits.
      examples: the samples. The first sample of each class, for at most 10 classes, is a probe.

    Attributes:
      model: the copy.
      is_apart: whether it is one.
      examples: the samples.
      probes: the indices of the probes in the samples.
      graph: the calls of the copy's layers.
    """

    def __init__(self, model: keras.Model, examples: Examples):
        self._original, self.examples = model, examples
        self.model: keras.Model = copied(model)
        self.is_apart = self.model is not model
        _, firsts = np.unique(examples.labels, return_index=True)
        self.probes = np.sort(firsts)[:_MOST_PROBES] if len(firsts) > _MOST_PROBES else firsts
        self.graph = graph = inside(self.model, self.model.outputs[:1])
        fitting = max(1, _MOST_VALUES // examples.samples[0].size)
        self._batch, most = min(_BATCH, fitting), min(_MOST_SAMPLES, fitting, held(shapes(self.model, graph)))
        others = np.setdiff1d(np.arange(min(len(examples.labels), most)), self.probes)
        chosen = np.concatenate([self.probes, others])[: max(most, len(self.probes))]
        self._samples = tf.constant(examples.samples[chosen], tf.float32)
        self._labels = tf.constant(examples.labels[chosen])
        self._targets = tf.constant(examples.observed.targets[chosen]) if examples.observed else None
        self._link = examples.observed.outputs.link if examples.observed else tf.nn.softmax
        self._convolutions, self._dense = choice.convolutions(graph), choice.evenly(graph.dense)
        self._kernels = choice.kernels(graph)
        self._templates = {call.name: call.layer for call in templates(graph)}
        self._watched = watched(self.model, graph, [*self._convolutions, *self._dense])
        extended, activated = graph.activated([*self._convolutions, *self._dense])
        self._inside = Unfolded(self.model, extended, (*activated, graph.outputs[0]))
        # Of a layer that cannot be looked into, the last hidden value is not known.
        hidden = graph.outputs[0] if graph.hidden in graph.inputs and closed(graph) else graph.hidden
        self._ahead = Unfolded(self.model, graph, (hidden, graph.outputs[0]))
        self._excitation = Excitation(self.model, graph, self._convolutions)
        self._differentiated = compiled(self._differentiate)
        samples = tf.TensorSpec((None, *examples.samples.shape[1:]), tf.float32)
        self._classified = compiled(lambda samples: self._ahead(samples, training=False), (samples,))

    def snapshot(self) -> Snapshot:
        """Returns a copy of the network's current weights."""
        variables = self._original.variables
        return Snapshot([one.numpy() for one in variables], [bool(one.trainable) for one in variables])

    def look(self, snapshot: Snapshot | None = None) -> Look:
        """Returns what the network does with the samples.

        Args:
          snapshot: the weights; by default the current ones, as of a network that cannot be copied in any case.
        """
        snapshot = snapshot or self.snapshot()
        self._assign(snapshot)
        pairs = zip(self.model.variables, snapshot.learning, strict=True)
        learning = {id(variable) for variable, is_learning in pairs if is_learning}
        watched = {name: variable for name, variable in self._watched.items() if id(variable) in learning}
        outputs, slopes = self._differentiated(tuple(watched))
        gradients = zip(watched, slopes, strict=True)
        calls = [*self._convolutions, *self._dense]
        activations = {call.name: _channels_last(call, output) for call, output in zip(calls, outputs, strict=True)}
        return Look(
            {name: kernel_of(layer) for name, layer in self._kernels.items()},
            {call.name: activations[call.name] for call in self._convolutions},
            activations,
            {name: _float32(variable) for name, variable in watched.items()},
            {name: _float32(gradient) for name, gradient in gradients if gradient is not None},
            {name: self._template(layer) for name, layer in self._templates.items()},
        )

    def excited(self) -> dict[str, Exciting]:
        """Returns what excites the strongest filters of each convolution, with the weights of the last look."""
        return self._excitation.find(self.examples.samples)

    def classify(self, samples: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns the probabilities, or numbers, and the last hidden values of samples, by default 2,000 examples.

        Shapes: `(count, classes)` and `(count, units)`. More than 4,096 units, such as the input of a linear network,
        are reduced: random groups are added with random signs, which approximately preserves distances (Weinberger et
        al., Feature Hashing, 2009). If the last hidden values are unknown, the logits are returned instead.
        """
        self._assign(self.snapshot())
        samples = self.examples.samples[:_MOST_EXAMPLES] if samples is None else samples
        parts = []
        for first in range(0, len(samples), self._batch):
            hidden, logits = self._classified(tf.constant(samples[first : first + self._batch], tf.float32))
            probabilities = self._link(tf.cast(logits, tf.float32)).numpy()
            parts.append((probabilities, _narrowed(_float32(hidden).reshape(len(probabilities), -1))))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _assign(self, snapshot: Snapshot) -> None:
        """Gives the copy, if there is one, these weights."""
        if self.is_apart:
            for variable, value in zip(self.model.variables, snapshot.values, strict=True):
                variable.assign(value)

    def _differentiate(self, names: tuple[str, ...]) -> tuple[list[tf.Tensor], list[tf.Tensor | None]]:
        """Returns what the looked-at calls give, and the gradients of the mean loss by the named variables."""
        variables = [self._watched[name].value for name in names]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            *outputs, logits = self._inside(self._samples, training=False)
            loss = self._loss(tf.cast(logits, tf.float32))
        return outputs, tape.gradient(loss, variables)

    def _loss(self, outputs: tf.Tensor) -> tf.Tensor:
        if self.examples.observed:
            return self.examples.observed.loss(self._targets, outputs)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(self._labels, outputs))

    def _template(self, layer: Any) -> np.ndarray:
        return _float32(layer.kernel).reshape(*self.examples.samples.shape[1:], -1)


def _narrowed(values: np.ndarray) -> np.ndarray:
    """Returns `(count, units)` with at most 4,096 units."""
    units = values.shape[1]
    if units <= _MOST_UNITS:
        return values
    random = np.random.default_rng(0)
    width = _MOST_UNITS // 8
    padded = np.zeros((len(values), -(-units // width) * width), np.float32)
    padded[:, :units] = values[:, random.permutation(units)] * random.choice(np.array([-1, 1], np.float32), units)
    return np.asarray(padded.reshape(len(values), width, -1).sum(-1))


def _channels_last(call: Call, output: tf.Tensor) -> np.ndarray:
    values = _float32(output)
    return np.moveaxis(values, 1, -1) if getattr(call.layer, "data_format", "") == "channels_first" else values


def _float32(values: tf.Tensor | keras.Variable) -> np.ndarray:
    return np.asarray(tf.cast(tf.convert_to_tensor(values), tf.float32))
