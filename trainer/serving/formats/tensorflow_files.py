"""A SavedModel for TensorFlow, which also decodes files, and a file for Keras; both in float32."""

import contextlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from trainer.data.kinds import known
from trainer.hparams import CLASSES, LABELS, NUMBERS
from trainer.quiet import without_chatter
from trainer.serving import signature
from trainer.serving.folder import readable
from trainer.serving.formats import plain
from trainer.serving.formats.network import Run, Source, Values

_OUTPUTS = ("probabilities", "numbers")  # of a SavedModel; the others follow from them
_ACTIVATIONS = {CLASSES: "softmax", LABELS: "sigmoid", NUMBERS: "linear"}  # of logits, or numbers, by target


def write_saved_model(source: Source, path: Path, calibration: Values | None = None) -> None:
    """Writes the folder of a SavedModel with the signatures of `trainer.serving.signature`; `calibration` is unused."""
    kind = known.kind_of(source.form)
    with without_chatter():
        signature.write(source.model, source.outputs, kind.name, kind.exported(source.form), path)
    with contextlib.suppress(OSError):
        (path / "assets").rmdir()  # empty, which no bucket has


def run_saved_model(path: Path, threads: int) -> Run:
    """Returns the function that the SavedModel computes; TensorFlow has the threads that it began with."""
    with readable(path) as name:
        loaded = tf.saved_model.load(name)
    answer = loaded.signatures[signature.ARRAY]
    (taken,) = answer.structured_input_signature[1]
    output = next(name for name in _OUTPUTS if name in answer.structured_outputs)

    def run(samples: Values, _: object = loaded) -> Values:  # its functions live as long as it does
        return np.asarray(answer(**{taken: tf.constant(samples)})[output])

    return run


def write_keras(source: Source, path: Path, calibration: Values | None = None) -> None:
    """Writes a file for Keras: raw values in, probabilities or numbers out; `calibration` is unused."""
    model = plain.with_keras_layers(source.model)
    activation = _ACTIVATIONS[source.outputs.target]
    layer = keras.layers.Activation(activation, name=_unused(model, source.output), dtype="float32")
    keras.Model(model.inputs, layer(model.outputs[0]), name=model.name).save(path)


def run_keras(path: Path, threads: int) -> Run:
    """Returns the function that the file computes; TensorFlow has the threads that it began with."""
    model = keras.saving.load_model(path, compile=False)
    function = tf.function(
        lambda samples: model(samples, training=False),
        [tf.TensorSpec(model.input_shape, tf.float32)],
        autograph=False,
    )
    return lambda samples: np.asarray(function(tf.constant(samples)))


def _unused(model: keras.Model, name: str) -> str:
    return f"{name}_" if any(layer.name == name for layer in model.layers) else name
