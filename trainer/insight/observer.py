"""What a network does with a few samples: its feature maps, its gradients, its predictions; nothing is written here."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.graph import Call, Graph, kernel_of, walk
from trainer.insight.unfolded import Unfolded

_MOST_PROBES = 10  # each has pictures of its own
_MOST_SAMPLES = 32  # of which activations and gradients are taken; half a training step's
_MOST_EXAMPLES = 2000  # that are classified at the end; 5 % of them are wrong by chance in 0.5 % more or less
_BATCH = 256
_MOST_VALUES = 2**22  # of a batch of larger samples: 27 images of 224x224 pixels in colour


@dataclasses.dataclass(frozen=True)
class Examples:
    """The samples that a network is observed on.

    Attributes:
      samples: that it was not trained on, `(count, *spatial, channels)`.
      labels: theirs, `(count,)`.
      classes: their names.
      changes: training samples, as they are and as augmentation changes them; None where these are the same.
    """

    samples: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    changes: tuple[np.ndarray, np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """What a network does at one moment.

    Attributes:
      kernels: of each convolution, `(*spatial, channels, filters)`; of a shared one under its first call's name.
      maps: what each call of a convolution gives under its activation, `(count, *spatial, filters)`; the probes are
        the first.
      activations: these, and what each dense layer gives under its activation, `(count, units)`.
      weights: by the name of layer and variable.
      gradients: likewise, of the mean loss over the samples.
    """

    kernels: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]
    activations: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]

    def dead(self) -> dict[str, np.ndarray]:
        """Returns, for each convolution, which filters give the same everywhere, `(filters,)`."""
        flat = {name: maps.reshape(-1, maps.shape[-1]) for name, maps in self.maps.items()}
        return {name: values.min(0) == values.max(0) for name, values in flat.items()}

    def changes(self, kernels: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns how far each convolution's kernels have moved since, as a share of their length then."""
        pairs = {name: (kernel, kernels[name]) for name, kernel in self.kernels.items() if name in kernels}
        return {
            name: float(np.linalg.norm(now - then) / (np.linalg.norm(then) or 1.0))
            for name, (now, then) in pairs.items()
        }


class Observer:
    """Observes a network through a copy, so that no strategy and no random state of the training has a part in it.

    Args:
      model: a Sequential or functional model from samples, `(batch, *spatial, channels)`, to logits.
      examples: the first of each class, at most 10, are the probes.
    """

    def __init__(self, model: keras.Model, examples: Examples):
        self._original, self.examples = model, examples
        self.model: keras.Model = keras.models.clone_model(model)
        _, firsts = np.unique(examples.labels, return_index=True)
        self.probes = np.sort(firsts)[:_MOST_PROBES] if len(firsts) > _MOST_PROBES else firsts
        fitting = max(1, _MOST_VALUES // examples.samples[0].size)
        self._batch, most = min(_BATCH, fitting), min(_MOST_SAMPLES, fitting)
        others = np.setdiff1d(np.arange(min(len(examples.labels), most)), self.probes)
        chosen = np.concatenate([self.probes, others])[: max(most, len(self.probes))]
        self._samples = tf.constant(examples.samples[chosen], tf.float32)
        self._labels = tf.constant(examples.labels[chosen])
        graph = walk(self.model, self.model.outputs[:1])
        self._convolutions, self._dense = graph.convolutions, graph.dense
        self._names = _names(self.model, graph)
        # No graph is traced: that took 0.2 s for each, and saved 15 ms a look.
        extended, activated = graph.activated([*self._convolutions, *self._dense])
        self._inside = Unfolded(self.model, extended, (*activated, graph.outputs[0]))
        self._ahead = Unfolded(self.model, graph, (graph.hidden, graph.outputs[0]))

    def look(self) -> Look:
        """Returns what the network does now."""
        self.catch_up()
        with tf.GradientTape() as tape:
            *outputs, logits = self._inside(self._samples, training=False)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(self._labels, tf.cast(logits, tf.float32))
            loss = tf.reduce_mean(losses)
        variables = self.model.trainable_variables
        gradients = zip(self._names, tape.gradient(loss, variables), strict=True)
        calls = [*self._convolutions, *self._dense]
        activations = {call.name: _channels_last(call, output) for call, output in zip(calls, outputs, strict=True)}
        layers = {id(call.layer): call for call in reversed(self._convolutions)}
        firsts = [call for call in self._convolutions if layers[id(call.layer)] is call]
        return Look(
            {call.name: kernel_of(call.layer) for call in firsts},
            {call.name: activations[call.name] for call in self._convolutions},
            activations,
            dict(zip(self._names, map(_float32, variables), strict=True)),
            {name: _float32(gradient) for name, gradient in gradients if gradient is not None},
        )

    def classify(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns, of at most the first 2,000 examples, the classes' probabilities and the last hidden values.

        Shapes: `(count, classes)` and `(count, units)`.
        """
        self.catch_up()
        samples = self.examples.samples[:_MOST_EXAMPLES]
        parts = []
        for first in range(0, len(samples), self._batch):
            hidden, logits = self._ahead(tf.constant(samples[first : first + self._batch], tf.float32), training=False)
            probabilities = tf.nn.softmax(tf.cast(logits, tf.float32)).numpy()
            parts.append((probabilities, _float32(hidden).reshape(len(probabilities), -1)))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def catch_up(self) -> None:
        """Gives the copy the network's weights."""
        for ours, theirs in zip(self.model.variables, self._original.variables, strict=True):
            ours.assign(theirs.value)


def _names(model: keras.Model, graph: Graph) -> list[str]:
    """Returns a name for each trainable variable, as in `conv1/kernel`: its layer's, then its own within the layer."""
    owners = {id(variable): call for call in reversed(graph.calls) for variable in getattr(call.layer, "variables", ())}
    names = []
    for variable in model.trainable_variables:
        path, call = variable.path.split("/"), owners.get(id(variable))
        if call and call.layer.name in path:
            own = path[len(path) - path[::-1].index(call.layer.name) :]
            names.append("/".join([call.name, *own]))
        else:
            names.append(variable.path)
    return names


def _channels_last(call: Call, output: tf.Tensor) -> np.ndarray:
    values = _float32(output)
    return np.moveaxis(values, 1, -1) if getattr(call.layer, "data_format", "") == "channels_first" else values


def _float32(values: tf.Tensor | keras.Variable) -> np.ndarray:
    return np.asarray(tf.cast(tf.convert_to_tensor(values), tf.float32))
