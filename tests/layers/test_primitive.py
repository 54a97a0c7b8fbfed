"""The convolutions that TensorFlow refuses or gets wrong on a CPU, and the other backend."""

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import oracle
from trainer import layers
from trainer.layers import primitive
from trainer.layers.padding import Geometry


def _random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def _gradients(x: Any, kernel: Any, geometry: Geometry, groups: int) -> list[Any]:
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        y = primitive.convolve(x, kernel, geometry, groups, "channels_last")
    return [
        y,
        *tape.gradient(y, (x, kernel), tf.cos(tf.reshape(tf.range(tf.size(y, tf.int32), dtype=y.dtype), y.shape))),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rank", "groups"), [(1, 2), (2, 2), (2, 4), (3, 2)])
def test_a_split_equals_the_primitive(monkeypatch: pytest.MonkeyPatch, dtype: str, rank: int, groups: int) -> None:
    """Where TensorFlow does not differentiate groups, as without oneDNN, the result is the same."""
    x = tf.constant(_random(2, *(5,) * rank, 8), dtype)
    kernel = tf.constant(_random(*(3,) * rank, 8 // groups, 8), dtype)
    geometry = Geometry((3,) * rank, (2,) * rank, (1,) * rank, "same")
    usual = _gradients(x, kernel, geometry, groups)
    monkeypatch.setattr(primitive, "_differentiates_groups", lambda dtype: False)
    for ours, theirs in zip(_gradients(x, kernel, geometry, groups), usual, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(2, 2), (3, 4), (5, 3)])
@pytest.mark.parametrize("strides", [(1, 2), (1, 3), (2, 3)])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_stride_over_one_place(size: Any, strides: Any, padding: str, groups: int, dtype: str) -> None:
    """tf.nn.conv2d with oneDNN has zeros here; see `_moving`."""
    x, kernel = tf.cast(_random(2, *size, groups), dtype), tf.cast(_random(1, size[1], 1, groups * 2), dtype)
    geometry = Geometry((1, size[1]), strides, (1, 1), padding)
    y = primitive.convolve(x, kernel, geometry, groups, "channels_last")
    pairs = oracle.pairs_of(padding, size, geometry.kernel_size, strides, (1, 1))
    exact = [np.asarray(tf.cast(value, "float64")) for value in (x, kernel)]
    expected = oracle.convolve(*exact, np.zeros(groups * 2), strides, (1, 1), groups, pairs)
    np.testing.assert_allclose(tf.cast(y, "float64"), expected, atol=1e-5 if dtype == "float32" else 0.05)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_batch_of_none_has_an_output_and_gradients(groups: int) -> None:
    geometry = Geometry((3, 3), (2, 1), (1, 1), "same")
    y, to_x, to_kernel = _gradients(tf.zeros((0, 5, 6, 4)), tf.ones((3, 3, 4 // groups, 8)), geometry, groups)
    assert (y.shape, to_x.shape) == ((0, 3, 6, 8), (0, 5, 6, 4))
    np.testing.assert_array_equal(to_kernel, np.zeros((3, 3, 4 // groups, 8)))


def test_padding_that_is_same_costs_no_pad() -> None:
    """Where integers say what `same` says, the primitive is asked for `same`; only elsewhere is there a Pad."""

    def operations(padding: Any) -> set[str]:
        layer = layers.Conv2D(2, 3, padding=padding)
        layer.build((None, 8, 8, 1))
        function = tf.function(layer).get_concrete_function(tf.TensorSpec((None, 8, 8, 1)))
        return {operation.type for operation in function.graph.get_operations()}

    assert "Pad" not in operations(1)
    assert "Pad" not in operations("same")
    assert operations(2) & {"Pad", "PadV2"}


@pytest.mark.parametrize("filters", [2, 5])
def test_channels_first_bias_with_as_many_places_as_filters(filters: int) -> None:
    """keras.ops.add (3.15) adds such a bias along the last axis."""
    layer = layers.Conv1D(filters, 1, data_format="channels_first", bias_initializer=keras.initializers.RandomNormal())
    y = layer(np.zeros((1, 3, filters)))
    np.testing.assert_array_equal(y[0], np.repeat(np.asarray(layer.bias)[:, None], filters, axis=1))


JAX = """
    import numpy as np
    from tests.layers import oracle
    from trainer import layers

    numbers = np.random.default_rng(0)
    for groups, data_format in ((1, "channels_last"), (2, "channels_first"), (4, "channels_last")):
        for mode, padding in (("zeros", "same"), ("zeros", "valid"), ("zeros", ((2, 1), (0, 3))), ("reflect", "same"),
                              ("circular", "causal"), ("replicate", 2), ("symmetric", 1), ("constant", 2)):
            value = 1.5 if mode == "constant" else 0.0
            layer = layers.Conv2D(4, 3, (2, 1), padding, data_format, (2, 2), groups, padding_mode=mode,
                                  padding_value=value, bias_initializer="ones")
            x = numbers.normal(size=(2, 7, 6, 4))
            y = np.asarray(layer(np.moveaxis(x, -1, 1) if data_format == "channels_first" else x))
            y = np.moveaxis(y, 1, -1) if data_format == "channels_first" else y
            pairs = oracle.pairs_of(padding if isinstance(padding, str | tuple) else ((padding,) * 2,) * 2,
                                    (7, 6), (3, 3), (2, 1), (2, 2))
            kernel, bias = (np.asarray(v).astype("float64") for v in layer.get_weights())
            expected = oracle.convolve(x, kernel, bias, (2, 1), (2, 2), groups, pairs, mode, value)
            np.testing.assert_allclose(y, expected, atol=1e-5)
    import sys
    assert "tensorflow" not in sys.modules
    print("equal")
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed: the extra `jax` brings it")
def test_jax() -> None:
    """The same layer on Keras's JAX backend, without TensorFlow."""
    root = Path(__file__).parents[2]
    # Its word for what tests/layers/conftest.py asks TensorFlow for.
    precision = {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}
    environment = {**os.environ, **precision, "KERAS_BACKEND": "jax", "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", textwrap.dedent(JAX)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, check=False)
    assert done.stdout.endswith("equal\n"), done.stderr


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_kernel_of_one_tap_never_strides(rank: int, padding: Any) -> None:
    """The backward pass of such a convolution corrupts the heap with oneDNN; see `_picked`."""
    x, kernel = tf.constant(_random(3, *(5,) * rank, 2)), tf.constant(_random(*(1,) * rank, 2, 3))
    geometry = Geometry((1,) * rank, (2,) * rank, (1,) * rank, padding)

    compute = tf.function(lambda x: primitive.convolve(x, kernel, geometry, 1, "channels_last"))
    graph = compute.get_concrete_function(x).graph.as_graph_def()
    strides = [node.attr["strides"].list.i for node in graph.node if node.op in ("Conv2D", "Conv3D")]
    assert {stride for one in strides for stride in one} == {1}
    picked = x.numpy()[(slice(None), *(slice(None, None, 2),) * rank)]
    np.testing.assert_allclose(compute(x), picked @ kernel.numpy().reshape(2, 3), atol=1e-6)
