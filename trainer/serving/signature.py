"""What a trained model computes for others, and as a SavedModel: encoded images or pixels in, class names out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer.objectives.outputs import Outputs

# The first is what a client gets who names none.
BYTES, ARRAY, CLASS_NAMES = "serving_default", "serving_array", "class_names"

# TensorFlow Serving, and so Vertex AI's own containers, take {"b64": …} for an input whose name ends so.
BYTES_SUFFIX = "_bytes"

Decode = Callable[[tf.Tensor], tf.Tensor]  # one encoded sample to its values, `(*spatial, channels)`


def functions(model: keras.Model, outputs: Outputs, sample: str, decode: Decode) -> dict[str, Any]:
    """Returns the `tf.function` of each of these signatures, for batches of any size; of images, for example:

        serving_default  image_bytes: encoded samples, `(batch,)`
        serving_array    image: raw values, float32 `(batch, *spatial, channels)`
        class_names      nothing in; class_names: `(classes,)`, in the order of the probabilities

    The first two give, of classes, `class`, the most probable one's name, `(batch,)`; `probability`, its own,
    `(batch,)`; and `probabilities`, of all classes, `(batch, classes)`. Of several labels they give `labels`, whether a
    sample has each, and `probabilities`, `(batch, labels)`; of numbers `numbers`, `(batch, numbers)`. All numbers are
    float32, whatever the model computes in.

    Args:
      model: takes raw values, and gives logits, or numbers.
      outputs: what these mean.
      sample: the name of the inputs, such as image.
      decode: turns one encoded sample into raw values.
    """
    array = tf.TensorSpec(model.input_shape, tf.float32, sample)
    one = tf.TensorSpec(array.shape[1:], tf.float32)

    def answer(samples: tf.Tensor) -> dict[str, tf.Tensor]:
        return outputs.signature(model(samples, training=False))

    def values(encoded: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.cast(decode(encoded), tf.float32), one.shape)

    traced_once = tf.function(answer, [array], autograph=False)

    def answer_encoded(encoded: tf.Tensor) -> Any:
        return traced_once(tf.map_fn(values, encoded, fn_output_signature=one))

    return {
        BYTES: tf.function(answer_encoded, [tf.TensorSpec((None,), tf.string, sample + BYTES_SUFFIX)], autograph=False),
        ARRAY: traced_once,
        CLASS_NAMES: tf.function(lambda: {CLASS_NAMES: tf.constant(list(outputs.names))}, [], autograph=False),
    }


def write(model: keras.Model, outputs: Outputs, sample: str, decode: Decode, folder: Path) -> None:
    """Writes a SavedModel of the `functions` of these arguments to a new folder; it needs TensorFlow alone."""
    # Keras's ExportArchive traces each function twice.
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]  # saved with the functions
    tf.saved_model.save(module, str(folder), functions(model, outputs, sample, decode))
