"""The network of an exported model in float32, for the converters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

import trainer.layers  # noqa: F401  model.keras names them
from trainer import own_function
from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.errors import UsageError
from trainer.hparams import NUMBERS, OWN, family
from trainer.networks import custom, rebuild, saved
from trainer.objectives.outputs import Outputs
from trainer.serving import card
from trainer.serving.card import KERAS

_OUTPUT, _OF_NUMBERS = "probabilities", "numbers"  # names

Values = npt.NDArray[np.float32]  # `(count, *spatial, channels)`, or of outputs `(count, classes)`
Run = Callable[[Values], Values]

_FLOAT32 = "float32"
_HALVES = ("bfloat16", "float16", "mixed_bfloat16", "mixed_float16", "float64")
_AT_ONCE = 32  # samples


@dataclass(frozen=True)
class Source:
    """What is converted.

    Attributes:
      model: takes raw values, `(batch, *spatial, channels)`, and returns logits, or numbers, `(batch, outputs)`; all in
        float32.
      outputs: what these mean.
      form: of a sample.
    """

    model: keras.Model
    outputs: Outputs
    form: Form

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes, labels or numbers, in the order of the outputs."""
        return self.outputs.names

    @property
    def output(self) -> str:
        """The name of the output: probabilities, or numbers."""
        return _OF_NUMBERS if self.outputs.target == NUMBERS else _OUTPUT

    @property
    def input(self) -> str:
        """The name of the input: image, signal or volume."""
        return known.kind_of(self.form).name

    def function(self) -> Any:
        """Returns the `tf.function` from raw values to `{output: …}`, for batches of any size."""
        spec = tf.TensorSpec((None, *self.form.shape), tf.float32, self.input)
        return tf.function(lambda samples: {self.output: self._answer(samples)}, [spec], autograph=False)

    def _answer(self, samples: tf.Tensor) -> tf.Tensor:
        return self.outputs.link(self.model(samples, training=False))

    def runner(self) -> Run:
        """Returns the function from samples to the probabilities, or numbers, that the network itself computes."""
        function = self.function()
        return lambda samples: np.asarray(function(tf.constant(samples))[self.output])


def read(folder: Path, content: Mapping[str, Any]) -> Source:
    """Returns the network of an exported model, rebuilt in float32 with the same weights.

    Args:
      folder: `model/` of a finished run.
      content: of its `model.json`.

    Raises:
      UsageError: it cannot be loaded here, for example because the code of its own layers cannot be imported.
    """
    model = content.get("configuration", {}).get("model", "")
    if isinstance(model, str) and family(model) == OWN:
        own_function.load(model)  # registers the classes of its layers
    made = in_float32(saved.read(str(folder / KERAS), "", "model"))
    return Source(made, card.outputs(content), card.form(content))


def in_float32(model: keras.Model) -> keras.Model:
    """Returns a copy of a model whose layers compute in float32, whatever the model was trained in."""
    objects = custom.objects(model)
    with keras.saving.custom_object_scope(objects), custom.recorded(), rebuild.dtype_policy(_FLOAT32):
        made = custom.complete(type(model).from_config(_precise(model.get_config())))
    copy_weights(model, made)
    return made


def copy_weights(model: keras.Model, made: keras.Model) -> None:
    """Gives a model the weights of another one of the same structure.

    Raises:
      UsageError: they have other weights.
    """
    weights = model.get_weights()
    if [one.shape for one in weights] != [tuple(one.shape) for one in made.weights]:
        raise UsageError(f"`--model` must be rebuilt by its configuration. Received: {model.name}, with other weights")
    made.set_weights([np.asarray(one, there.dtype) for one, there in zip(weights, made.weights, strict=True)])
    for layer in custom.layers(made):
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.finalize_state()  # it computes with a copy of its weights


def by_batches(run: Run, samples: Values) -> Values:
    """Returns the outputs for any number of samples."""
    parts = [run(samples[first : first + _AT_ONCE]) for first in range(0, len(samples), _AT_ONCE)]
    return np.concatenate(parts)


def _precise(value: Any, key: str = "") -> Any:
    """Returns a configuration in which each policy and each type of lower precision is float32."""
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy":
            return {**value, "config": {**value["config"], "name": _FLOAT32}}
        return {name: _precise(one, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_precise(one) for one in value)
    return _FLOAT32 if "dtype" in key and value in _HALVES else value
