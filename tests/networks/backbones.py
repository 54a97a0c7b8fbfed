"""Small networks as others save them."""

from pathlib import Path

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format  # what wrote the files of keras.applications

from trainer.data.form import Form

FORM = Form((12, 10), 3)


def backbone(shape: tuple[int | None, ...] = (None, None, 3), name: str = "tiny") -> keras.Model:
    """Returns convolutions with random statistics, `(batch, height / 2, width / 2, 6)`."""
    layers = keras.layers
    inputs = keras.Input(shape)
    x = layers.Rescaling(1 / 255, name="rescaling")(inputs)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="stem")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="block1a_dw")(layers.ReLU(name="stem_relu")(x))
    x = layers.Add(name="block1a_add")([x, layers.BatchNormalization(name="block1a_bn")(y)])
    return varied(keras.Model(inputs, layers.Conv2D(6, 1, activation="relu", name="block2a_conv")(x), name=name))


def classifier(end: str, classes: int = 5, shape: tuple[int | None, ...] = (None, None, 3)) -> keras.Model:
    """Returns a classifier of images that ends in one of the ways in which people write one."""
    layers, base = keras.layers, backbone(shape)
    pool = layers.GlobalAveragePooling2D()
    if end == "sequential":
        return varied(keras.Sequential([base, pool, layers.Dropout(0.5), layers.Dense(classes, activation="softmax")]))
    if end == "nested":
        inner = keras.Sequential([keras.Input((6,)), layers.Dense(7, "relu"), layers.Dense(classes)], name="head")
        return varied(keras.Sequential([keras.Input(shape), base, pool, inner, layers.Softmax()]))
    if end == "all nested":
        whole = classifier("logits", classes, shape)
        inputs = keras.Input(shape)
        return keras.Model(inputs, layers.Activation("softmax")(whole(inputs)))
    x = base.output
    if end == "convolution":
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Conv2D(classes, 1, name="conv_preds")(layers.Dropout(0.1)(x))
        x = layers.Softmax()(layers.Reshape((classes,))(x))
    elif end == "pooled convolution":
        x = layers.Softmax()(pool(layers.Conv2D(classes, 1)(x)))
    elif end == "operation":
        x = keras.ops.softmax(layers.Dense(classes)(pool(x)))
    elif end == "sigmoid":
        x = layers.Dense(classes, activation="sigmoid", use_bias=False)(pool(x))
    else:
        x = layers.Dense(classes, dtype="float32")(layers.Dropout(0.3)(pool(x)))
        x = {"logits": layers.Identity(), "layer": layers.Softmax(), "activation": layers.Activation("softmax")}[end](x)
    return varied(keras.Model(base.input, x))


ENDS = (
    "sequential",
    "nested",
    "all nested",
    "convolution",
    "pooled convolution",
    "operation",
    "sigmoid",
    "logits",
    "layer",
    "activation",
)


def varied(model: keras.Model) -> keras.Model:
    """Returns the model with weights of which no two are alike, also those that begin with zeros or ones."""
    random = np.random.default_rng(1)
    model.set_weights(
        [
            random.uniform(0.5, 1.5, weight.shape) if weight.ndim == 1 else random.normal(0, 0.3, weight.shape)
            for weight in model.get_weights()
        ]
    )
    return model


def samples(form: Form = FORM, count: int = 4) -> np.ndarray:
    """Returns raw values."""
    return np.random.default_rng(2).uniform(form.low, form.high, (count, *form.shape)).astype(np.float32)


def write_legacy(model: keras.Model, path: Path) -> Path:
    """Writes weights as the files of keras.applications hold them."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path
