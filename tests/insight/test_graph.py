"""The walk through models that Keras can build, and what counts as a convolution."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from trainer import layers
from trainer.insight.graph import Graph, is_convolution, kernel_of, walk
from trainer.insight.unfolded import Unfolded


def names(calls: Any) -> list[str]:
    return [call.name for call in calls]


def backbone(name: str = "backbone", rank: int = 2) -> keras.Model:
    """A functional model of two convolutions, one with its activation behind normalisation."""
    inputs = keras.Input((*(None,) * rank, 1))
    convolution = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)[rank - 1]
    x = convolution(3, 3, padding="same", use_bias=False, name="conv1")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    return keras.Model(inputs, convolution(2, 3, activation="tanh", name="conv2")(x), name=name)


def nested() -> keras.Model:
    """A Sequential model in a Sequential model in a functional model, which also enters one model twice."""
    block = keras.Sequential([layers.Conv2D(2, 3, padding="same", name="conv")], name="block")
    inner = keras.Sequential([keras.Input((8, 7, 2)), block, keras.layers.ReLU(name="relu")], name="inner")
    inputs = keras.Input((10, 9, 1))
    x = inner(inner(backbone()(inputs)))
    x = keras.layers.Conv2D(2, 1, name="head")(x) + x
    x = keras.layers.Dense(5, activation="relu", name="hidden")(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))


def values_of(model: keras.Model, samples: np.ndarray, graph: Graph, wanted: Any) -> list[np.ndarray]:
    return [np.asarray(value) for value in Unfolded(model, graph, wanted)(samples, training=False)]


def test_nested_models_are_entered_and_calls_named_by_where_they_are() -> None:
    graph = walk(nested())
    assert names(graph.convolutions) == [
        "backbone/conv1", "backbone/conv2", "inner/block/conv", "inner/block/conv:2", "head"
    ]  # fmt: skip
    assert names(graph.dense) == ["hidden", "logits"]
    activated = [names(graph.to_activation(call)) for call in graph.convolutions]
    assert activated == [["backbone/norm", "backbone/relu"], [], ["inner/relu"], ["inner/relu:2"], []]
    assert len({call.name for call in graph.calls}) == len(graph.calls)
    assert not any(isinstance(call.layer, keras.Model) for call in graph.calls)


def test_calls_are_in_the_order_of_the_graph_and_not_of_the_layers() -> None:
    inputs = keras.Input((4, 4, 1))
    short = keras.layers.Conv2D(1, 1, name="short")(inputs)
    long = keras.layers.Conv2D(1, 1, name="long2")(keras.layers.Conv2D(1, 1, name="long1")(inputs))
    graph = walk(keras.Model(inputs, keras.layers.Add()([long, short])))
    done = set(graph.inputs)
    for call in graph.calls:
        assert done.issuperset(call.inputs)
        done.update(call.outputs)
    assert set(names(graph.convolutions)) == {"short", "long1", "long2"}


def test_unfolded_gives_what_the_model_gives_and_adds_nothing_to_it() -> None:
    model = nested()
    samples = np.random.default_rng(0).normal(size=(3, 10, 9, 1)).astype("float32")
    before = [len(layer._inbound_nodes) for layer in model._flatten_layers()]
    graph = walk(model)
    by_name = {call.name: call.outputs[0] for call in graph.calls}
    first, last, logits = values_of(
        model, samples, graph, (by_name["backbone/relu"], by_name["inner/relu:2"], graph.outputs[0])
    )
    np.testing.assert_array_equal(logits, model(samples, training=False))
    base = model.get_layer("backbone")
    inner_relu = keras.Model(base.inputs[0], base.get_layer("relu").output)
    np.testing.assert_array_equal(first, inner_relu(samples, training=False))
    inner = model.get_layer("inner")
    np.testing.assert_array_equal(last, inner(inner(base(samples, training=False), training=False), training=False))
    assert [len(layer._inbound_nodes) for layer in model._flatten_layers()] == before


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float32"])
def test_a_nested_model_keeps_its_precision(policy: str) -> None:
    inputs = keras.Input((6, 6, 1), dtype="float16")
    inner = keras.Model(inputs, keras.layers.Conv2D(2, 3, dtype=policy)(inputs))
    model = keras.Sequential([keras.Input((6, 6, 1)), inner, keras.layers.Flatten(dtype="float32")])
    samples = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype("float32")
    graph = walk(model)
    (output,) = values_of(model, samples, graph, graph.outputs)
    np.testing.assert_array_equal(output, model(samples, training=False))


def test_a_loaded_model_as_the_one_that_was_saved(tmp_path: Path) -> None:
    """Keras builds a Sequential model twice when it loads it."""
    model = nested()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    samples = np.random.default_rng(0).normal(size=(3, 10, 9, 1)).astype("float32")
    graphs = walk(model), walk(loaded)
    assert names(graphs[0].calls) == names(graphs[1].calls)
    wanted = [[call.outputs[0] for call in graph.convolutions] for graph in graphs]
    both = zip((model, loaded), graphs, wanted, strict=True)
    for ours, theirs in zip(*(values_of(one, samples, graph, some) for one, graph, some in both), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


CONVOLUTIONS = [
    ((9, 2), layers.Conv1D(4, 3, groups=2)),
    ((9, 8, 2), layers.Conv2D(3, 3)),
    ((5, 5, 5, 2), layers.Conv3D(3, 3)),
    ((9, 2), keras.layers.Conv1D(3, 3)),
    ((9, 8, 2), keras.layers.Conv2D(3, 3)),
    ((5, 5, 5, 2), keras.layers.Conv3D(3, 3)),
    ((9, 2), keras.layers.DepthwiseConv1D(3, depth_multiplier=2)),
    ((9, 8, 2), keras.layers.DepthwiseConv2D(3, depth_multiplier=3)),
    ((9, 2), keras.layers.SeparableConv1D(3, 3, depth_multiplier=2)),
    ((9, 8, 2), keras.layers.SeparableConv2D(5, 3, depth_multiplier=2)),
    ((9, 2), keras.layers.Conv1DTranspose(3, 3)),
    ((9, 8, 2), keras.layers.Conv2DTranspose(3, 3)),
    ((4, 4, 4, 2), keras.layers.Conv3DTranspose(3, 3)),
]


@pytest.mark.parametrize(("shape", "layer"), CONVOLUTIONS, ids=lambda value: getattr(value, "name", None))
def test_a_convolution_and_its_kernel_as_filters(shape: tuple[int, ...], layer: Any) -> None:
    model = keras.Sequential([keras.Input(shape), layer])
    (call,) = walk(model).convolutions
    assert call.layer is layer
    kernel = kernel_of(layer)
    rank, filters = len(shape) - 1, model.output_shape[-1]
    assert kernel.dtype == np.float32
    assert (kernel.ndim, kernel.shape[:rank], kernel.shape[-1]) == (rank + 2, (3,) * rank, filters)
    # A sample that is 1 at one element of one channel gives the kernel of that channel, mirrored but if transposed.
    channel, groups = 1, shape[-1] // kernel.shape[-2]
    sample = np.zeros((1, *shape), "float32")
    sample[(0, *(size // 2 for size in shape[:-1]), channel)] = 1
    output = np.asarray(model(sample))[0]
    where = np.argwhere(np.abs(output).max(-1) > 0)
    found = output[tuple(slice(low, high + 1) for low, high in zip(where.min(0), where.max(0), strict=True))]
    expected = np.zeros((*kernel.shape[:rank], filters), "float32")
    of_group = slice(None) if groups == 1 else slice(channel * filters // groups, (channel + 1) * filters // groups)
    expected[..., of_group] = kernel[..., channel if groups == 1 else 0, of_group]
    if not type(layer).__name__.endswith("Transpose"):
        expected = np.flip(expected, range(rank))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_is_no_convolution() -> None:
    recurrent = keras.layers.ConvLSTM1D(2, 3)
    recurrent.build((None, 4, 9, 2))
    for layer in (keras.layers.MaxPooling2D(), keras.layers.Dense(3), recurrent, keras.layers.Conv2D(3, 3)):
        assert not is_convolution(layer)  # the last has no kernel before it is built


@pytest.mark.parametrize(
    ("between", "left"),
    [
        ([], ["relu"]),
        (["pool"], ["relu"]),
        (["norm"], ["norm", "relu"]),
        (["norm", "pool"], ["norm", "relu"]),
        (["pool", "norm"], ["pool", "norm", "relu"]),
        (["dropout"], []),
    ],
)
def test_a_map_is_under_the_activation_at_the_convolution_s_own_size(between: list[str], left: list[str]) -> None:
    kinds = {
        "pool": keras.layers.MaxPooling2D(name="pool"),
        "norm": keras.layers.BatchNormalization(name="norm"),
        "dropout": keras.layers.Dropout(0.5, name="dropout"),
    }
    stack = [keras.layers.Conv2D(2, 3, name="conv"), *(kinds[name] for name in between), keras.layers.ReLU(name="relu")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *stack])
    graph = walk(model)
    samples = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")
    expected = model.get_layer("conv")(samples)
    for name in left:
        expected = model.get_layer(name)(expected, training=False)
    extended, wanted = graph.activated(graph.convolutions)
    np.testing.assert_array_equal(values_of(model, samples, extended, wanted)[0], expected)


def test_an_operation_is_an_activation_and_a_value_used_twice_has_none() -> None:
    inputs = keras.Input((6, 6, 1))
    x = keras.ops.relu(keras.layers.Conv2D(2, 3, name="plain")(inputs))
    y = keras.layers.Conv2D(2, 1, name="twice")(x)
    graph = walk(keras.Model(inputs, keras.layers.ReLU()(y) + y))
    assert [len(graph.to_activation(call)) for call in graph.convolutions] == [1, 0]


def test_the_last_hidden_value_is_what_the_layer_of_the_logits_takes() -> None:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="relu"),
            keras.layers.Dense(2),
            keras.layers.Activation("linear", dtype="float32"),
        ]
    )
    samples = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    graph = walk(model)
    (hidden,) = values_of(model, samples, graph, (graph.hidden,))
    np.testing.assert_array_equal(hidden, model.layers[0](samples))


def test_only_what_leads_to_the_chosen_outputs_counts() -> None:
    inputs = keras.Input((6, 6, 1))
    first, second = (keras.layers.Conv2D(1, 3, name=name)(inputs) for name in ("first", "second"))
    model = keras.Model(inputs, [first, second])
    assert names(walk(model).calls) == ["first", "second"]
    assert names(walk(model, model.outputs[:1]).calls) == ["first"]


class Written(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


def test_rejects_what_is_no_graph_of_layers() -> None:
    written = Written()
    written(np.ones((1, 2)))
    for model in (keras.Sequential([keras.layers.Dense(2)]), keras.layers.Dense(2), written):
        with pytest.raises(ValueError, match=r"`model` must be Sequential or functional, and built\. Received: model="):
            walk(model)
