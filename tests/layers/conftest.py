"""The arithmetic that the tests of the layers mean."""

from collections.abc import Iterator

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True, scope="package")
def exact_float32() -> Iterator[None]:
    """Has float32 mean float32.

    A GPU computes float32 convolutions in TensorFloat-32 by default, with 10 bits of mantissa: an error of 1e-3, where
    the tolerances here, and the oracle's 2e-5 above all, are those of 23 bits.
    """
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(before)
