"""Any convolution at all, against the oracle: values, shapes and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings

from tests.layers import oracle
from tests.layers.cases import Case, convolutions

# For values of order 1 that sum at most 54 products: some 20 units in the last place. Absolute up to a largest value of
# 10 and relative to it beyond: a CPU without units of a type rounds to it after each product.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "bfloat16": 0.25, "float16": 0.03}

SETTINGS = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.filter_too_much])


def _check_values(case: Case) -> None:
    layer = case.layer()
    y = layer(case.given())
    assert tuple(y.shape) == layer.compute_output_shape(case.given().shape)
    expected = case.expected(case.x, case.kernel, case.bias)
    largest = float(np.abs(expected).max(initial=0.0))
    tolerance = TOLERANCE[case.dtype] * max(1.0, largest / 10)
    np.testing.assert_allclose(case.last(y), expected, atol=tolerance, rtol=0)


@settings(SETTINGS, max_examples=300)
@given(case=convolutions(dtypes=tuple(TOLERANCE)))
def test_values_and_shape(case: Case) -> None:
    _check_values(case)


@pytest.mark.slow
@settings(SETTINGS, max_examples=1500)
@given(case=convolutions(dtypes=tuple(TOLERANCE)))
def test_values_and_shape_of_many(case: Case) -> None:
    _check_values(case)


@settings(SETTINGS, max_examples=100)
@given(case=convolutions(batches=(1,)))
def test_gradients(case: Case) -> None:
    """The loss is linear in input, kernel and bias each, so that central differences are exact at any step."""
    layer = case.layer()
    x = tf.constant(case.given(), case.dtype)
    weights = np.cos(np.arange(np.prod(layer.compute_output_shape(x.shape))).reshape(case.last(layer(x)).shape))
    upstream = np.moveaxis(weights, -1, 1) if case.data_format == "channels_first" else weights
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) * tf.constant(upstream, case.dtype))
    to_x, to_kernel, to_bias = tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])

    def total(x: oracle.Array, kernel: oracle.Array, bias: oracle.Array) -> float:
        return float(np.sum(weights * case.expected(x, kernel, bias)))

    expected = (
        oracle.derivative(lambda x: total(x, case.kernel, case.bias), case.x),
        oracle.derivative(lambda kernel: total(case.x, kernel, case.bias), case.kernel),
        oracle.derivative(lambda bias: total(case.x, case.kernel, bias), case.bias),
    )
    tolerance = 100 * TOLERANCE[case.dtype]
    for ours, theirs in zip((case.last(to_x), to_kernel, to_bias), expected, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs, atol=tolerance, rtol=0)
