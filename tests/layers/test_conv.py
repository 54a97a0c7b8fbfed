"""Conv1D, Conv2D, Conv3D: worked examples, what Keras's own layers give, metamorphic laws, refusals."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.cases import LAYERS
from trainer import layers
from trainer.layers import Conv1D, Conv2D

KERAS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}


def _random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _layer(rank: int, kernel: Any, **arguments: Any) -> Any:
    """Returns a layer without bias that has this kernel."""
    layer = LAYERS[rank](kernel.shape[-1], kernel.shape[:-2], use_bias=False, **arguments)
    layer.build((None, *(None,) * rank, kernel.shape[-2] * arguments.get("groups", 1)))
    layer.set_weights([kernel])
    return layer


STEP = [0, 0, 0, 9, 9, 9]


@pytest.mark.parametrize(
    ("mode", "value", "edges"),
    [
        ("zeros", 0.0, [0, 0, 9, 9, 0, -9]),
        ("constant", 5.0, [-5, 0, 9, 9, 0, -4]),
        ("replicate", 0.0, [0, 0, 9, 9, 0, 0]),
        ("symmetric", 0.0, [0, 0, 9, 9, 0, 0]),
        ("reflect", 0.0, [0, 0, 9, 9, 0, 0]),
        ("circular", 0.0, [-9, 0, 9, 9, 0, -9]),
    ],
)
def test_an_edge_filter_on_a_step(mode: str, value: float, edges: list[int]) -> None:
    """[-1, 0, 1] answers where the step is; the padding mode decides whether the border is an edge, too."""
    layer = _layer(1, np.array([-1.0, 0, 1]).reshape(3, 1, 1), padding="same", padding_mode=mode, padding_value=value)
    y = layer(np.array(STEP, "float32").reshape(1, 6, 1))
    assert np.ravel(y).astype(int).tolist() == edges


def test_sobel_on_a_step_image() -> None:
    """The textbook's vertical edge: 4 * 9 on both sides of the step, nothing elsewhere."""
    sobel = np.outer([1.0, 2, 1], [-1.0, 0, 1]).reshape(3, 3, 1, 1)
    image = np.tile(np.array(STEP, "float32"), (4, 1)).reshape(1, 4, 6, 1)
    assert np.asarray(_layer(2, sobel)(image))[0, :, :, 0].astype(int).tolist() == [[0, 36, 36, 0]] * 2


LIKE_KERAS = [
    {},
    {"padding": "same", "strides": 2, "activation": "relu"},
    {"padding": "same", "dilation_rate": 2, "use_bias": False},
    {"strides": 3, "kernel_initializer": "he_normal", "bias_initializer": "ones"},
    {"padding": "valid", "data_format": "channels_first", "activation": "tanh"},
]


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize("arguments", [*LIKE_KERAS, {"padding": "causal"}])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_equals_keras_to_the_bit(rank: int, arguments: dict[str, Any], dtype: str) -> None:
    """Same seed, same kernel; same output and gradients.

    Channels first are only close: backward, as the bias is summed in another order; and at rank 3, as Keras uses XLA,
    which sums in float32 what a CPU without bfloat16 units sums in bfloat16. On some CPUs Keras has none at all.
    On a GPU gradients are only close, as cuDNN's fastest algorithms add in no fixed order, and so are channels first,
    for which Keras asks cuDNN and ours transposes.
    """
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    if arguments.get("padding") == "causal" and rank > 1:
        pytest.skip("Keras has causal for rank 1 only")
    x = tf.constant(_random(2, 4, *(9,) * rank) if "data_format" in arguments else _random(2, *(9,) * rank, 4))
    results = []
    for kind in (LAYERS[rank], KERAS[rank]):
        keras.utils.set_random_seed(7)
        layer = kind(6, 3, dtype=dtype, name="conv", **arguments)
        with tf.GradientTape() as tape:
            tape.watch(x)
            try:
                y = layer(x)
            except tf.errors.UnimplementedError:
                assert kind is KERAS[rank] and "data_format" in arguments
                pytest.skip("Keras has no channels_first on this CPU")
        gradients = tape.gradient(y, [x, *layer.trainable_weights])
        results.append([*layer.get_weights(), y, *gradients])
        assert layer.compute_output_shape(x.shape) == y.shape
        assert [weight.path for weight in layer.weights] == ["conv/kernel", "conv/bias"][: len(layer.weights)]
    close = 1e-4 if dtype == "float32" else 0.05
    forward = len(results[0]) - len(layer.trainable_weights) - 1
    for index, (ours, theirs) in enumerate(zip(*results, strict=True)):
        is_gradient = index >= forward
        loose = (on_gpu and is_gradient) or ("data_format" in arguments and (rank == 3 or is_gradient or on_gpu))
        atol = close * max(1.0, float(np.abs(theirs).max())) if loose else 0.0
        np.testing.assert_allclose(tf.cast(ours, "float32"), tf.cast(theirs, "float32"), rtol=0, atol=atol)


def test_takes_over_the_weights_of_keras(tmp_path: Any) -> None:
    theirs = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, padding="same", name="conv")])
    ours = keras.Sequential([keras.Input((8, 8, 3)), Conv2D(4, 3, padding="same", name="conv")])
    theirs.save_weights(tmp_path / "keras.weights.h5")
    ours.load_weights(tmp_path / "keras.weights.h5")
    x = _random(2, 8, 8, 3)
    np.testing.assert_array_equal(ours(x), theirs(x))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_stride_with_dilation_is_a_stride_through_the_dilated(groups: int) -> None:
    for strides, dilations in (((2, 2), (2, 2)), ((2, 1), (1, 3)), ((3, 2), (2, 4)), ((4, 6), (6, 4))):
        kernel, x = _random(2, 3, 4 // groups, 8), _random(2, 19, 17, 4)
        dense = _layer(2, kernel, dilation_rate=dilations, groups=groups)(x)
        y = _layer(2, kernel, dilation_rate=dilations, groups=groups, strides=strides)(x)
        np.testing.assert_allclose(y, dense[:, :: strides[0], :: strides[1]], atol=1e-5)


@pytest.mark.parametrize("rank", LAYERS)
def test_circular_commutes_with_a_roll(rank: int) -> None:
    layer = _layer(rank, _random(*(3,) * rank, 2, 4), padding="same", padding_mode="circular")
    x, shift, axes = _random(2, *(5,) * rank, 2), (2,) * rank, tuple(range(1, rank + 1))
    np.testing.assert_allclose(layer(np.roll(x, shift, axes)), np.roll(layer(x), shift, axes), atol=1e-5)


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize("mode", ["zeros", "reflect", "constant"])
def test_translation_moves_the_output_inside_the_border(rank: int, mode: str) -> None:
    value = 2.0 if mode == "constant" else 0.0
    kernel = _random(*(3,) * rank, 2, 4)
    layer = _layer(rank, kernel, padding="same", padding_mode=mode, padding_value=value)
    x = _random(1, *(7,) * rank, 2)
    here, moved = layer(x)[:, 1:-2], layer(np.roll(x, 1, axis=1))[:, 2:-1]
    np.testing.assert_allclose(here, moved, atol=1e-5)


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize("dilation", [1, 2])
def test_causal_ignores_the_future(rank: int, dilation: int) -> None:
    layer = _layer(rank, _random(*(3,) * rank, 2, 4), padding="causal", dilation_rate=dilation)
    x = _random(1, *(6,) * rank, 2)
    changed = x.copy()
    changed[:, 4:] += 1
    np.testing.assert_array_equal(layer(x)[:, :4], layer(changed)[:, :4])
    assert np.abs(layer(x)[:, 4:] - layer(changed)[:, 4:]).max() > 0.1


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize("groups", [2, 4])
def test_groups_are_single_convolutions_side_by_side(rank: int, groups: int) -> None:
    kernel, x = _random(*(3,) * rank, 4 // groups, 8), _random(2, *(5,) * rank, 4)
    y = _layer(rank, kernel, groups=groups, padding="same")(x)
    parts = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
    single = np.concatenate([_layer(rank, taps, padding="same")(part) for part, taps in parts], -1)
    np.testing.assert_allclose(y, single, atol=1e-5)


@pytest.mark.parametrize("rank", LAYERS)
def test_dilation_is_a_kernel_stuffed_with_zeros(rank: int) -> None:
    kernel, x = _random(*(2,) * rank, 2, 4), _random(2, *(7,) * rank, 2)
    stuffed = np.zeros((*(4,) * rank, 2, 4), "float32")
    stuffed[(slice(None, None, 3),) * rank] = kernel
    same = {"padding": "same", "padding_mode": "replicate"}
    np.testing.assert_allclose(
        _layer(rank, kernel, dilation_rate=3, **same)(x), _layer(rank, stuffed, **same)(x), atol=1e-5
    )


def test_knows_its_numbers_before_it_is_built() -> None:
    """ResNet's first layer, by hand: 112 * 112 outputs, 7 * 7 * 3 taps, 64 filters."""
    layer = Conv2D(64, 7, 2, padding=3)
    assert layer.compute_output_shape((None, 224, 224, 3)) == (None, 112, 112, 64)
    assert layer.multiply_adds((None, 224, 224, 3)) == 112 * 112 * 7 * 7 * 3 * 64
    assert layer.parameters((None, 224, 224, 3)) == layer.parameters((None, 32, None, 3)) == 7 * 7 * 3 * 64 + 64
    assert not layer.built
    layer.build((None, 224, 224, 3))
    assert layer.count_params() == layer.parameters((None, None, None, 3))
    assert Conv1D(8, 3, groups=4, use_bias=False).multiply_adds((None, 10, 8)) == 8 * 3 * 2 * 8
    assert Conv2D(1, (3, 5), dilation_rate=(2, 1)).receptive_field == (5, 5)
    assert layer.compute_output_shape((None, None, 224, 3)) == (None, None, 112, 64)


def test_regularizers_and_constraints_are_called_as_by_keras() -> None:
    arguments = {"kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2", "filters": 3}
    x, losses = _random(2, 6, 2), []
    for kind in (Conv1D, keras.layers.Conv1D):
        keras.utils.set_random_seed(1)
        layer = kind(kernel_size=3, kernel_constraint="non_neg", bias_constraint="max_norm", **arguments)
        layer(x)
        losses.append([float(loss) for loss in layer.losses])
        assert isinstance(layer.kernel.constraint, keras.constraints.NonNeg)
        assert isinstance(layer.bias.constraint, keras.constraints.MaxNorm)
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


def test_exports() -> None:
    convolutions = ["Conv1D", "Conv2D", "Conv3D"]
    assert layers.__all__ == ["AveragePredictions", *convolutions, "Dropout", "PowerNormalization", "Preprocessing"]
