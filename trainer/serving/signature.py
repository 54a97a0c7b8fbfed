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

Decode = Callable[[tf.Tensor, tuple[int, int], int], tf.Tensor]


def write(model: keras.Model, classes: Sequence[str], decode: Decode, folder: Path) -> None:
    """Writes a SavedModel with these signatures, for batches of any size:

        serving_default  image_bytes: encoded images, `(batch,)`
        serving_array    image: pixels, 0 to 255, float32 `(batch, height, width, channels)`
        class_names      nothing in; class_names: `(classes,)`, in the order of the probabilities

    The first two give `class`, the most probable one's name, `(batch,)`; `probability`, its own, `(batch,)`; and
    `probabilities`, of all classes, `(batch, classes)`. All numbers are float32, whatever the model computes in.

    Args:
      model: takes pixels, 0 to 255, and gives logits.
      classes: their names.
      decode: one encoded image, a size and a number of channels to pixels `(height, width, channels)`, 0 to 255.
      folder: is made.
    """
    _, height, width, channels = model.input_shape

    def answer(image: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = tf.nn.softmax(tf.cast(model(image, training=False), tf.float32))
        return {
            "class": tf.gather(tf.constant(list(classes)), tf.argmax(probabilities, axis=1)),
            "probability": tf.reduce_max(probabilities, axis=1),
            "probabilities": probabilities,
        }

    def pixels(encoded: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(
            tf.cast(decode(encoded, (height, width), channels), tf.float32), (height, width, channels)
        )

    def answer_encoded(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        kind = tf.TensorSpec((height, width, channels), tf.float32)
        return answer(tf.map_fn(pixels, image_bytes, fn_output_signature=kind))

    archive = keras.export.ExportArchive()  # it finds the weights; told of the model, it writes each of them twice
    archive.add_endpoint(BYTES, answer_encoded, [tf.TensorSpec((None,), tf.string, BYTES_INPUT)])
    array = tf.TensorSpec((None, height, width, channels), tf.float32, ARRAY_INPUT)
    archive.add_endpoint(ARRAY, answer, [array])
    archive.add_endpoint(CLASS_NAMES, lambda: {CLASS_NAMES: tf.constant(list(classes))}, [])
    archive.write_out(str(folder), verbose=False)
