"""The trained model as a SavedModel that needs TensorFlow alone: encoded images or pixels in, class names out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

# TensorFlow Serving, and so Vertex AI's own containers, take {"b64": …} for an input whose name ends in `_bytes`.
BYTES_INPUT = "image_bytes"
ARRAY_INPUT = "image"

# The first is what a client gets who names none.
BYTES, ARRAY, CLASS_NAMES = "serving_default", "serving_array", "class_names"

Decode = Callable[[tf.Tensor], tf.Tensor]  # one encoded sample to its values, `(*spatial, channels)`


def write(model: keras.Model, classes: Sequence[str], decode: Decode, folder: Path) -> None:
    """Writes a SavedModel with these signatures, for batches of any size:

        serving_default  image_bytes: encoded samples, `(batch,)`
        serving_array    image: raw values, float32 `(batch, *spatial, channels)`
        class_names      nothing in; class_names: `(classes,)`, in the order of the probabilities

    The first two give `class`, the most probable one's name, `(batch,)`; `probability`, its own, `(batch,)`; and
    `probabilities`, of all classes, `(batch, classes)`. All numbers are float32, whatever the model computes in.

    Args:
      model: takes raw values, and gives logits.
      classes: their names.
      decode: turns one encoded sample into raw values.
      folder: is made.
    """
    array = tf.TensorSpec(model.input_shape, tf.float32, ARRAY_INPUT)
    sample = tf.TensorSpec(array.shape[1:], tf.float32)

    def answer(image: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = tf.nn.softmax(tf.cast(model(image, training=False), tf.float32))
        return {
            "class": tf.gather(tf.constant(list(classes)), tf.argmax(probabilities, axis=1)),
            "probability": tf.reduce_max(probabilities, axis=1),
            "probabilities": probabilities,
        }

    def values(encoded: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.cast(decode(encoded), tf.float32), sample.shape)

    def answer_encoded(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(tf.map_fn(values, image_bytes, fn_output_signature=sample))

    archive = keras.export.ExportArchive()  # it finds the weights; given the model, it writes each of them twice
    archive.add_endpoint(BYTES, answer_encoded, [tf.TensorSpec((None,), tf.string, BYTES_INPUT)])
    archive.add_endpoint(ARRAY, answer, [array])
    archive.add_endpoint(CLASS_NAMES, lambda: {CLASS_NAMES: tf.constant(list(classes))}, [])
    archive.write_out(str(folder), verbose=False)
