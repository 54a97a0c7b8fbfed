from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.objectives.classes import Classes
from trainer.serving import signature

CLASSES = ("a", "b", "c")


@pytest.mark.parametrize("shape", [(5, 2), (3, 4, 1), (2, 3, 4, 1)], ids=["signal", "image", "volume"])
def test_serves_samples_of_any_rank(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(len(CLASSES))])

    def decode(encoded: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.io.decode_raw(encoded, tf.float32), shape)

    signature.write(model, Classes(CLASSES), "sample", decode, tmp_path / "model")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    samples = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    of_values = loaded.signatures[signature.ARRAY](sample=tf.constant(samples))
    of_bytes = loaded.signatures[signature.BYTES](sample_bytes=tf.constant([one.tobytes() for one in samples]))
    for answer in (of_values, of_bytes):
        np.testing.assert_allclose(answer["probabilities"], tf.nn.softmax(model(samples)), atol=1e-6)
        expected = [CLASSES[index].encode() for index in answer["probabilities"].numpy().argmax(1)]
        assert answer["class"].numpy().tolist() == expected
