"""A small trained-like model, exported, for the tests of what loads it."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix

from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.objectives.classes import Classes
from trainer.serving import export

SHAPE = (9, 8, 3)
CLASSES = ("cat", "dog", "crème brûlée")
RECORD = {
    "configuration": {"data": "pets|2026", "filters": 2, "weight_decay": 0.004},
    "precision": {"name": "float32", "reason": "asked for"},
    "versions": {"python": "3.11.7", "trainer": None},
    "git_revision": None,
}


def build(
    policy: str = "float32",
    seed: int = 0,
    shape: tuple[int, int, int] = SHAPE,
    classes: int = len(CLASSES),
    form: Form | None = None,
) -> keras.Model:
    """Returns a network whose answers differ from sample to sample: of images of a shape, or samples of a form."""
    keras.utils.set_random_seed(seed)
    form = form or Form(shape[:-1], shape[-1])
    hparams = HParams(model="convolutional", filters=4, dense_units=8)
    model = networks.build(hparams, form, classes, policy).model
    model.set_weights([4 * weight if weight.ndim > 1 else weight for weight in model.get_weights()])
    return model


def pixels(count: int, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def encoded(images: np.ndarray) -> list[bytes]:
    return [tf.io.encode_png(image).numpy() for image in images]


def about(model: keras.Model, classes: Sequence[str] = CLASSES, form: Form | None = None) -> export.About:
    *sizes, channels = shape = model.input_shape[1:]
    predicted = probabilities(model, pixels(10, 1, shape)).argmax(1)
    confusion = confusion_matrix(2 * [0, 1, 2, 0, 1], predicted, labels=range(len(classes)))
    images = {"train": 30, "validation": 4, "test": 10}
    return export.About(Classes(classes), form or Form(tuple(sizes), channels), images, confusion, 0.5, RECORD)


def exported(folder: Path, model: keras.Model, form: Form | None = None, *, with_graph: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    export.save(model, folder, about(model, form=form), with_graph=with_graph)
    return folder


def probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Returns what the model itself says, as in training: in one graph."""
    graph = tf.function(lambda batch: tf.nn.softmax(model(batch, training=False)))
    return graph(tf.constant(images, tf.float32)).numpy()  # type: ignore[no-any-return]
