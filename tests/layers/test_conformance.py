"""Every kind of layer through everything that a Keras layer is put through."""

import json
import pickle
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.cases import LAYERS

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "same": {"padding": "same", "strides": 2, "activation": "relu"},
    "pairs": {"padding": 2, "use_bias": False},
    "causal": {"padding": "causal", "kernel_regularizer": "l2"},
    "dilated": {"padding": "same", "dilation_rate": 2},
    "dilated and strided": {"padding": "same", "dilation_rate": 3, "strides": 2},
    "reflect": {"padding": "same", "padding_mode": "reflect", "strides": 2},
    "replicate": {"padding": 1, "padding_mode": "replicate"},
    "circular": {"padding": "causal", "padding_mode": "circular"},
    "symmetric": {"padding": 2, "padding_mode": "symmetric", "dilation_rate": 2},
    "constant": {"padding": "same", "padding_mode": "constant", "padding_value": -1.5, "strides": 2},
    "grouped": {"groups": 2, "padding": "same"},
    "depthwise": {"groups": 4, "padding": "same", "padding_mode": "circular"},
    "channels first": {"data_format": "channels_first", "padding": "same", "strides": 2},
}

every_layer = pytest.mark.parametrize("rank", LAYERS)
every_kind = pytest.mark.parametrize("kind", KINDS)


def _make(rank: int, kind: str, **changes: Any) -> tuple[Any, Any]:
    """Returns a built layer and an input."""
    layer = LAYERS[rank](**{"filters": 4, "kernel_size": 3, "name": "conv", **KINDS[kind], **changes})
    sizes = (9, 7, 8)[:rank]
    shape = (4, *sizes) if kind == "channels first" else (*sizes, 4)
    layer.build((None, *shape))
    return layer, np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")


def _unknown(shape: Any, kind: str) -> Any:
    """Returns the shape with only its channels known."""
    return [4 if axis == (1 if kind == "channels first" else len(shape) - 1) else None for axis in range(len(shape))]


def _close(ours: Any, theirs: Any, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(tf.cast(ours, "float32"), tf.cast(theirs, "float32"), atol=atol, rtol=0)


@every_layer
@every_kind
def test_config_survives_json_pickle_and_clone(rank: int, kind: str) -> None:
    layer, x = _make(rank, kind)
    config = pickle.loads(pickle.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()
    whole = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))
    assert whole.get_config() == layer.get_config()
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(x), model(x))


@every_layer
@every_kind
def test_functional_model_saves_and_loads(rank: int, kind: str, tmp_path: Any) -> None:
    layer, x = _make(rank, kind)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == layer.compute_output_shape((None, *x.shape[1:]))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@every_layer
@pytest.mark.parametrize("kind", ["same", "reflect", "constant", "grouped", "channels first", "dilated and strided"])
def test_export(rank: int, kind: str, tmp_path: Any) -> None:
    layer, x = _make(rank, kind)
    model = keras.Sequential([keras.Input(_unknown(x.shape, kind)[1:]), layer])
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model"))
    _close(served.serve(x), model(x))


@every_layer
@every_kind
def test_unknown_sizes_forward_and_backward(rank: int, kind: str) -> None:
    layer, x = _make(rank, kind)

    def outcome(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(y * y)
        return y, tape.gradient(loss, [x, *layer.trainable_weights])

    traced = tf.function(outcome, input_signature=[tf.TensorSpec(_unknown(x.shape, kind))])
    smaller = x[:, :, 1:] if kind == "channels first" else x[:, 1:]
    for given in map(tf.constant, (x, x[:1], smaller)):
        eager, graph = outcome(given), traced(given)
        _close(graph[0], eager[0])
        for ours, theirs in zip(graph[1], eager[1], strict=True):
            _close(ours, theirs, atol=1e-3)


@every_layer
@every_kind
def test_xla(rank: int, kind: str) -> None:
    layer, x = _make(rank, kind)

    @tf.function(jit_compile=True)
    def outcome(x: Any) -> Any:
        with tf.GradientTape() as tape:
            y = layer(x)
        return y, tape.gradient(y, layer.trainable_weights)

    y, gradients = outcome(tf.constant(x))
    _close(y, layer(x), atol=1e-4)
    assert all(gradient is not None for gradient in gradients)


@every_layer
@every_kind
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64"])
def test_precision(rank: int, kind: str, dtype: str) -> None:
    layer, x = _make(rank, kind, dtype=dtype)
    exact, _ = _make(rank, kind, dtype="float64")
    exact.set_weights([np.asarray(weight).astype("float64") for weight in layer.get_weights()])
    with tf.GradientTape() as tape:
        y = layer(x)
    gradients = tape.gradient(y, layer.trainable_weights)
    assert y.dtype.name == layer.compute_dtype
    assert all(gradient.dtype.name == layer.variable_dtype for gradient in gradients)
    scale = float(np.abs(exact(x)).max())
    # A CPU without units of a type rounds sums over up to 108 taps to it after each: half a unit * sqrt(108).
    _close(y, exact(x), atol=scale * {"bfloat16": 4e-2, "float16": 8e-3, "float64": 1e-7}[layer.compute_dtype])


@every_layer
@every_kind
def test_a_batch_of_none(rank: int, kind: str) -> None:
    layer, x = _make(rank, kind)
    assert layer(x[:0]).shape == layer.compute_output_shape(x[:0].shape)


@every_kind
def test_trains(kind: str) -> None:
    """One step of `fit` lowers the loss of fitting a constant."""
    layer, x = _make(2, kind)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer, keras.layers.Flatten()])
    model.compile("sgd", "mse")
    target = np.full(model(x).shape, 0.5, "float32")
    before = model.evaluate(x, target, verbose=0)
    model.fit(x, target, epochs=2, verbose=0)
    assert model.evaluate(x, target, verbose=0) < before
