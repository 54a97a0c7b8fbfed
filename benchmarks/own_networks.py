"""Eight networks as a user writes them, for images of any height, width and channels: examples of `--model`.

python -m trainer.task --model=benchmarks.own_networks:branches --width=16
"""

from typing import Literal

import keras
from keras import layers


def branches(input_shape, classes, *, width: int = 8, blocks: int = 2):
    """Three parallel convolutions whose maps are concatenated, as in Inception.

    Args:
      width: filters of each branch
      blocks: the number of repetitions of the branches
    """
    image = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(image)
    for block in range(blocks):
        small = layers.Conv2D(width, 1, padding="same", activation="relu", name=f"small{block}")(x)
        large = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"large{block}")(x)
        pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
        pooled = layers.Conv2D(width, 1, activation="relu", name=f"pooled{block}")(pooled)
        x = layers.MaxPooling2D(2, padding="same")(layers.Concatenate()([small, large, pooled]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="branches")


def nested(input_shape, classes, *, width: int = 8, dropout: float = 0.2):
    """A model within a model within a model.

    Args:
      width: filters of the first convolution
      dropout: share of the features dropped in training
    """
    stem = keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(width, 3, padding="same", activation="relu", name="first"),
        ],
        name="stem",
    )
    image = keras.Input(input_shape)
    x = layers.Conv2D(2 * width, 3, strides=2, padding="same", activation="relu", name="second")(stem(image))
    backbone = keras.Model(image, x, name="backbone")
    return keras.Sequential(
        [
            keras.Input(input_shape),
            backbone,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(dropout),
            layers.Dense(classes, name="logits"),
        ],
        name="nested",
    )


def normalised(input_shape, classes, *, width: int = 8, moving: float = 0.99):
    """Two convolutions with batch normalisation and a shortcut around the second.

    Args:
      width: filters of each convolution
      moving: share of the moving averages that stays at each step
    """
    image = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, name="conv1")(x)
    x = shortcut = layers.ReLU()(layers.BatchNormalization(momentum=moving)(x))
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, name="conv2")(x)
    x = layers.ReLU()(layers.Add()([shortcut, layers.BatchNormalization(momentum=moving)(x)]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="normalised")


def separable(input_shape, classes, *, width: int = 16, activation: Literal["relu", "silu", "gelu"] = "relu"):
    """Separable convolutions, as in Xception.

    Args:
      width: filters of the first convolution
      activation: after each convolution
    """
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Rescaling(1 / 255),
            layers.SeparableConv2D(width, 3, padding="same", activation=activation, name="first"),
            layers.MaxPooling2D(2, padding="same"),
            layers.SeparableConv2D(2 * width, 3, padding="same", activation=activation, name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes, name="logits"),
        ],
        name="separable",
    )


def depthwise(input_shape, classes, *, width: int = 16, expansion: int = 2):
    """An inverted residual block around a depthwise convolution, as in MobileNetV2.

    Args:
      width: filters between the blocks
      expansion: filters of the depthwise convolution for each of these
    """
    image = keras.Input(input_shape)
    x = layers.Rescaling(2 / 255, offset=-1)(image)
    x = shortcut = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu6", name="stem")(x)
    x = layers.Conv2D(expansion * width, 1, activation="relu6", name="expand")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu6", name="depthwise")(x)
    x = layers.Add()([shortcut, layers.Conv2D(width, 1, name="project")(x)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="depthwise")


def dilated(input_shape, classes, *, width: int = 8, pool: bool = True):
    """Convolutions whose dilation doubles, so that the receptive field grows while the map keeps its size.

    Args:
      width: filters of each convolution
      pool: whether the maximum of each map is used in addition to its mean
    """
    image = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(image)
    for rate in (1, 2, 4):
        x = layers.Conv2D(width, 3, padding="same", dilation_rate=rate, activation="relu", name=f"dilated{rate}")(x)
    mean = layers.GlobalAveragePooling2D()(x)
    features = layers.Concatenate()([mean, layers.GlobalMaxPooling2D()(x)]) if pool else mean
    return keras.Model(image, layers.Dense(classes, name="logits")(features), name="dilated")


def attention(input_shape, classes, *, width: int = 16, heads: int = 2):
    """Self-attention over the positions of the map of two convolutions.

    Args:
      width: filters of the second convolution
      heads: of the attention
    """
    image = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu", name="conv1")(x)
    x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = tokens = layers.Reshape((-1, width))(x)
    x = layers.MultiHeadAttention(heads, width // heads, name="attention")(x, x)
    x = layers.LayerNormalization()(layers.Add()([tokens, x]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="attention")


@keras.saving.register_keras_serializable(package="benchmarks")
class Subclassed(keras.Model):
    """A network as a class: the order of its layers is in `call`, and there is no graph."""

    def __init__(self, classes: int, width: int = 8, dropout: float = 0.2, **kwargs):
        super().__init__(**kwargs)
        self.classes, self.width, self.rate = classes, width, dropout
        self.scale = layers.Rescaling(1 / 255)
        self.first = layers.Conv2D(width, 3, padding="same", activation="relu")
        self.second = layers.Conv2D(2 * width, 3, strides=2, padding="same", activation="relu")
        self.pool = layers.GlobalAveragePooling2D()
        self.drop = layers.Dropout(dropout)
        self.logits = layers.Dense(classes)

    def call(self, images, training=False):
        x = self.second(self.first(self.scale(images)))
        return self.logits(self.drop(self.pool(x), training=training))

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "width": self.width, "dropout": self.rate}


def subclassed(input_shape, classes, *, width: int = 8, dropout: float = 0.2):
    """A subclass of keras.Model.

    Args:
      width: filters of the first convolution
      dropout: share of the features dropped in training
    """
    return Subclassed(classes, width, dropout, name="subclassed")
