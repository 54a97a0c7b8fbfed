"""What a network does with a few images: its feature maps, its gradients, its mistakes; nothing is written here."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.graph import is_convolution, later_activation

_MOST_PROBES = 10  # each has pictures of its own
_MOST_IMAGES = 32  # of which activations and gradients are taken; half a training step's
_MOST_EXAMPLES = 2000  # that are classified at the end; 5 % of them are wrong by chance in 0.5 % more or less
_BATCH = 256
_MOST_VALUES = 2**22  # of a batch of larger images; of 224 pixels in colour 27


@dataclasses.dataclass(frozen=True)
class Examples:
    """What a network is looked at with.

    Attributes:
      images: that were not trained on, uint8 `(count, height, width, channels)`.
      labels: theirs.
      classes: their names.
      changes: images to train on, as they are and as the network sees them; nothing where these are the same.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    changes: tuple[np.ndarray, np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """What a network does at one moment.

    Attributes:
      kernels: of each convolution, `(*spatial, channels, filters)`.
      maps: what each convolution gives on, for each image, `(images, *spatial, filters)`; the probes come first.
      activations: these, and what each dense layer gives on, `(images, units)`.
      weights: by the name of layer and variable.
      gradients: likewise, of the mean loss over the images.
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
    """Looks at a network through a copy, so that no strategy and no random state of the training has a part in it.

    Args:
      model: a Sequential or functional model from images to logits.
      examples: the first of each class, at most 10, are the probes.
    """

    def __init__(self, model: keras.Model, examples: Examples):
        self._original, self.examples = model, examples
        self.model: keras.Model = keras.models.clone_model(model)
        _, firsts = np.unique(examples.labels, return_index=True)
        self.probes = np.sort(firsts)[:_MOST_PROBES] if len(firsts) > _MOST_PROBES else firsts
        fitting = max(1, _MOST_VALUES // examples.images[0].size)
        self._batch, most = min(_BATCH, fitting), min(_MOST_IMAGES, fitting)
        others = np.setdiff1d(np.arange(min(len(examples.labels), most)), self.probes)
        chosen = np.concatenate([self.probes, others])[: max(most, len(self.probes))]
        self._images = tf.constant(examples.images[chosen], tf.float32)
        self._labels = tf.constant(examples.labels[chosen])
        self.convolutions = [layer for layer in self.model.layers if is_convolution(layer)]
        hidden = self.model.layers[-1].input
        self._dense = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Dense)]
        outputs = [_given_on(self.model, layer) for layer in (*self.convolutions, *self._dense)]
        # No graph is made: that took 0.2 s for each, and saved 15 ms a look.
        self._inside = keras.Model(self.model.inputs, [*outputs, self.model.outputs[0]])
        self._ahead = keras.Model(self.model.inputs, [hidden, self.model.outputs[0]])

    def look(self) -> Look:
        """Returns what the network does now."""
        self.catch_up()
        with tf.GradientTape() as tape:
            *outputs, logits = self._inside(self._images, training=False)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(self._labels, tf.cast(logits, tf.float32))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        layers = {layer.name: layer for layer in self.convolutions}
        activations = [_float32(output) for output in outputs]
        variables = self.model.trainable_variables
        names = ["/".join(variable.path.split("/")[-2:]) for variable in variables]
        return Look(
            {name: _float32(layer.kernel) for name, layer in layers.items()},
            dict(zip(layers, activations, strict=False)),
            dict(zip([*layers, *(layer.name for layer in self._dense)], activations, strict=True)),
            dict(zip(names, map(_float32, variables), strict=True)),
            {name: _float32(one) for name, one in zip(names, gradients, strict=True) if one is not None},
        )

    def classify(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns, of at most the first 2,000 examples, the classes' probabilities and the last hidden layer's values.

        Shapes: `(count, classes)` and `(count, units)`.
        """
        self.catch_up()
        images = self.examples.images[:_MOST_EXAMPLES]
        parts = []
        for first in range(0, len(images), self._batch):
            hidden, logits = self._ahead(tf.constant(images[first : first + self._batch], tf.float32), training=False)
            probabilities = tf.nn.softmax(tf.cast(logits, tf.float32)).numpy()
            parts.append((probabilities, _float32(hidden).reshape(len(probabilities), -1)))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def catch_up(self) -> None:
        """Gives the copy the network's weights."""
        for ours, theirs in zip(self.model.variables, self._original.variables, strict=True):
            ours.assign(theirs.value)


def _given_on(model: keras.Model, layer: keras.layers.Layer) -> keras.KerasTensor:
    """Returns a layer's output, under its activation where that is a layer of its own."""
    later = later_activation(model, layer)
    if later is None:
        return layer.output
    return type(later).from_config({**later.get_config(), "name": f"{layer.name}_{later.name}"})(layer.output)


def _float32(values: tf.Tensor | keras.Variable) -> np.ndarray:
    return np.asarray(tf.cast(tf.convert_to_tensor(values), tf.float32))
