"""What is drawn of networks of every kind."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from trainer.insight import choice, table
from trainer.insight.observer import Examples, Observer
from trainer.tensorboard import drawing, summaries

layers = keras.layers


class Block(layers.Layer):
    """Two convolutions, a sum and a weight of its own."""

    def __init__(self, filters: int, **named: Any):
        super().__init__(**named)
        self.filters = filters
        self.first = layers.Conv2D(filters, 3, padding="same", name="first")
        self.norm = layers.BatchNormalization(name="norm")
        self.second = layers.Conv2D(filters, 3, padding="same", name="second")
        self.scale = self.add_weight(shape=(filters,), initializer="ones", name="scale")

    def build(self, shape: Any) -> None:
        self.first.build(shape)
        for layer in (self.norm, self.second):
            layer.build((*shape[:-1], self.filters))
        self.built = True

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.first(x)
        return x + self.second(keras.activations.gelu(self.norm(x, training=training))) * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}


class Written(keras.Model):
    """A subclassed model: what it does is known from its `call` alone."""

    def __init__(self, **named: Any):
        super().__init__(**named)
        self.block, self.convolution = Block(4, name="block"), layers.Conv2D(6, 3, strides=2, name="conv")
        self.logits = layers.Dense(3, dtype="float32", name="logits")

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = keras.ops.relu(self.convolution(self.block(x / 255, training=training)))
        return self.logits(keras.ops.mean(x, axis=(1, 2)))


class Closed(Written):
    """One whose `call` takes a branch by values, which cannot be run on symbolic tensors."""

    def call(self, x: Any, training: bool | None = None) -> Any:
        import tensorflow as tf

        return (
            super().call(tf.identity(x), training=training) if not isinstance(x, keras.KerasTensor) else self._symbol(x)
        )

    def _symbol(self, x: Any) -> Any:
        raise NotImplementedError

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], 3)

    def compute_output_spec(self, x: Any, training: bool | None = None) -> Any:
        return keras.KerasTensor((x.shape[0], 3), "float32")

    def build(self, shape: Any) -> None:
        self.block.build(shape)
        self.convolution.build((*shape[:-1], 4))
        self.logits.build((None, 6))
        self.built = True


def branches(x: Any) -> Any:
    one, other = layers.Conv2D(4, 3, padding="same", name="a")(x), layers.Conv2D(4, 1, name="b")(x)
    x = layers.Concatenate()([layers.Add()([one, other]), layers.MaxPooling2D(3, 1, "same")(one)])
    gate = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Conv2D(4, 3, name="last")(x * gate)


def kinds_of_convolution(x: Any) -> Any:
    x = layers.SeparableConv2D(4, 3, padding="same", activation="relu", name="separable")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(layers.ZeroPadding2D(1)(x))
    x = layers.Conv2D(4, 3, dilation_rate=2, name="dilated")(keras.activations.silu(x))
    x = layers.Conv2D(8, 3, groups=2, padding="same", name="grouped")(layers.GroupNormalization(2)(x))
    return layers.Conv2DTranspose(4, 3, strides=2, name="transposed")(keras.ops.relu6(x))


def attention(x: Any) -> Any:
    x = layers.Conv2D(8, 3, strides=4, name="patches")(x)
    x = layers.Reshape((-1, 8))(x)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4, name="attention")(x, x))
    return layers.Reshape((3, 3, 8))(x)


def nested(x: Any) -> Any:
    backbone = keras.Input((None, None, 3))
    y = backbone
    for index in range(10):
        y = layers.Conv2D(4, 3 if index % 2 else 1, padding="same", use_bias=False, name=f"c{index}")(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization(name=f"n{index}")(y))
    inner = keras.Model(backbone, y, name="backbone")
    inner.trainable = False
    return inner(x)


def to_one_position(x: Any) -> Any:
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="wide")(x)
    return layers.Conv2D(5, x.shape[1], activation="relu", name="narrow")(x)


def functional(body: Callable[[Any], Any]) -> keras.Model:
    image = keras.Input((12, 12, 3), name="image")
    x = layers.GlobalAveragePooling2D()(body(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, layers.Dense(3, dtype="float32", name="logits")(layers.Dropout(0.2, seed=1)(x)))


def linear() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(3, dtype="float32", name="logits"),
        ]
    )


def whole(kind: type[keras.Model]) -> keras.Model:
    image = keras.Input((12, 12, 3), name="image")
    return keras.Model(image, kind(name="net")(image))


KINDS: dict[str, tuple[Callable[[], keras.Model], set[str]]] = {
    "branches": (lambda: functional(branches), {"a", "last"}),
    "convolutions": (
        lambda: functional(kinds_of_convolution),
        {"separable", "depthwise", "dilated", "grouped", "transposed"},
    ),
    "attention": (lambda: functional(attention), {"patches"}),
    "nested": (lambda: functional(nested), {f"backbone/c{index}" for index in (0, 1, 3, 5, 7, 9)}),
    "one_position": (lambda: functional(to_one_position), {"wide", "narrow"}),
    "own_layer": (lambda: functional(Block(4, name="block")), {"block/first", "block/second"}),
    "subclassed": (lambda: whole(Written), {"net/block/first", "net/block/second", "net/conv"}),
    "closed": (lambda: whole(Closed), {"net/block/first", "net/block/second", "net/conv"}),
    "linear": (linear, {"logits"}),
}


def examples() -> Examples:
    random = np.random.default_rng(0)
    return Examples(random.integers(0, 256, (9, 12, 12, 3), np.uint8), np.arange(9) % 3, ["a", "b", "c"])


def tags(drawn: Any) -> set[str]:
    return {value.tag for summary in drawn for value in summary.value}


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_it_is_drawn(kind: str, policy: str) -> None:
    make, filters = KINDS[kind]
    keras.config.set_dtype_policy(policy)
    try:
        model = make()
    finally:
        keras.config.set_dtype_policy("float32")
    weights = [variable.numpy() for variable in model.variables]
    observer = Observer(model, examples())
    assert observer.model is not model
    look = observer.look()
    moment = tags(drawing.moment(observer, look, {}))
    assert {tag.removeprefix("filters/") for tag in moment if tag.startswith("filters/")} == filters
    assert ("feature_maps/a" in moment) == bool(look.maps) == (kind not in ("closed", "linear"))
    assert any(tag.startswith("gradients/") for tag in moment)
    probabilities, hidden = observer.classify()
    expected = keras.ops.softmax(model(observer.examples.samples.astype("float32"), training=False))
    np.testing.assert_allclose(probabilities, expected, atol=1e-5 if policy == "float32" else 0.02)
    assert len(hidden) == 9
    conclusion = tags(drawing.conclusion(observer, probabilities))
    assert {
        "what_decides/a",
        "results/confusion_matrix",
        "pr_curve/c",
        "attribution/completeness_residual",
    } <= conclusion
    assert ("attribution/sanity_grad_cam" in conclusion) == bool(look.maps)
    for before, variable in zip(weights, model.variables, strict=True):
        np.testing.assert_array_equal(before, variable.numpy())


class Uncopied(Written):
    """One whose configuration lacks what it is made from."""

    def __init__(self, made: Any, **named: Any):
        super().__init__(**named)
        self.made = made


def test_a_network_that_cannot_be_copied_is_observed_itself() -> None:
    image = keras.Input((12, 12, 3))
    model = keras.Model(image, Uncopied(object(), name="net")(image))
    weights = model.get_weights()
    observer = Observer(model, examples())
    assert observer.model is model
    drawn = tags(drawing.moment(observer, observer.look(), {})) | tags(
        drawing.conclusion(observer, observer.classify()[0])
    )
    assert {"filters/net/conv", "feature_maps/a", "what_decides/b"} <= drawn
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", KINDS)
def test_graphs_and_table(kind: str) -> None:
    model = KINDS[kind][0]()
    graph = summaries.op_graph(model)
    assert graph.ByteSize() < 200_000
    assert summaries.keras_graph(model) is not None or kind == "closed"
    rows = table.rows(model)
    assert sum(row.parameters for row in rows) == model.count_params()
    unknown = [row.layer for row in rows if row.receptive_field is None]
    assert bool(unknown) == (kind in ("attention", "closed")), unknown


def test_of_a_deep_network_a_line_says_which_convolutions_are_looked_at() -> None:
    assert choice.lines(functional(nested)) == [
        "pictures of 6 of 10 convolutions: backbone/c0, backbone/c1, backbone/c3, backbone/c5, backbone/c7, backbone/c9"
    ]
    assert choice.lines(functional(branches)) == []


def test_what_cannot_be_looked_into_is_said_in_one_line() -> None:
    (line,) = choice.lines(whole(Closed))
    assert line.startswith("no feature maps, Grad-CAM or receptive fields within net: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV3Small", "ConvNeXtTiny", "DenseNet121", "EfficientNetV2B0"])
def test_a_published_network_in_one_of_one_s_own(name: str) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        backbone = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(32, 32, 3))
    finally:
        keras.config.set_dtype_policy("float32")
    backbone.trainable = False
    image = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(backbone(image))
    model = keras.Model(image, layers.Dense(3, dtype="float32", name="logits")(x))
    random = np.random.default_rng(0)
    observer = Observer(model, Examples(random.integers(0, 256, (6, 32, 32, 3), np.uint8), np.arange(6) % 3, "abc"))
    moment = tags(drawing.moment(observer, observer.look(), {}))
    assert 4 <= sum(tag.startswith("filters/") for tag in moment) <= choice.MOST
    assert {tag for tag in moment if tag.startswith("gradients/")} == {
        "gradients/logits/kernel",
        "gradients/logits/bias",
    }
    assert "what_decides/a" in tags(drawing.conclusion(observer, observer.classify()[0]))
    assert summaries.keras_graph(model) is not None
    assert "?" not in table.markdown(model)


@pytest.mark.parametrize(("count", "most", "expected"), [(3, 8, [0, 1, 2]), (9, 3, [0, 4, 8]), (50, 2, [0, 49])])
def test_evenly(count: int, most: int, expected: list[int]) -> None:
    assert choice.evenly(range(count), most) == expected
