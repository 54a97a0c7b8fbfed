"""Attributions of signals and volumes, and of models within models."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer import layers
from trainer.insight.attribution import Explainer
from trainer.insight.resize import resize

SIZES = {1: (23,), 3: (7, 6, 5)}


def linear(length: int, size: int) -> np.ndarray:
    """Returns the matrix that brings `size` values to `length`, elements being intervals."""
    at = np.clip((np.arange(length) + 0.5) * size / length - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(size)))


def network(rank: int) -> keras.Model:
    keras.utils.set_random_seed(rank)
    convolution = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[rank - 1]
    return keras.Sequential(
        [
            keras.Input((*SIZES[rank], 2)),
            convolution(4, 3, strides=2, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, bias_initializer="normal"),
        ]
    )


@pytest.fixture(params=[1, 3])
def case(request: pytest.FixtureRequest) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """A network of rank 1 or 3, five samples, and a class for each."""
    random = np.random.default_rng(0)
    return network(request.param), random.normal(size=(5, *SIZES[request.param], 2)), np.array([0, 1, 2, 0, 1])


def logits(model: keras.Model, samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return np.asarray(model(samples.astype("float32"), training=False))[np.arange(len(samples)), classes]


def test_grad_cam_by_its_formula(case: Any) -> None:
    model, samples, classes = case
    features = np.asarray(model.get_layer("conv")(samples.astype("float32")))
    *_, dense, _ = model.get_weights()
    spatial = tuple(range(1, features.ndim - 1))
    slopes = dense.T.reshape(3, *features.shape[1:]).mean(axis=spatial)[classes]
    cams = np.maximum(0, (features * slopes.reshape(5, *(1,) * len(spatial), 4)).sum(-1))
    for axis in spatial:
        cams = np.moveaxis(np.moveaxis(cams, axis, -1) @ linear(samples.shape[axis], cams.shape[axis]).T, -1, axis)
    maps = Explainer(model).grad_cam(samples, classes)
    assert (maps.shape, maps.dtype) == (samples.shape[:-1], np.float32)
    assert maps.max() > 0
    np.testing.assert_allclose(maps, cams, atol=1e-5)


def test_integrated_gradients_are_complete(case: Any) -> None:
    model, samples, classes = case
    attributions, residuals = Explainer(model).integrated_gradients(samples, classes, baseline=0.5)
    differences = logits(model, samples, classes) - logits(model, np.full_like(samples, 0.5), classes)
    sums = attributions.sum(axis=tuple(range(1, samples.ndim)))
    assert attributions.shape == samples.shape
    np.testing.assert_allclose(np.abs(sums - differences) / np.abs(differences), residuals, atol=1e-3)
    assert residuals.max() < 0.01


def test_occlusion_by_a_loop(case: Any) -> None:
    model, samples, classes = case
    size, stride = 4, 3
    whole = logits(model, samples, classes)
    falls, covering = np.zeros(samples.shape[:-1]), np.zeros(samples.shape[1:-1])
    axes = [sorted({min(at, length - size) for at in range(0, length, stride)}) for length in samples.shape[1:-1]]
    for corner in itertools.product(*axes):
        box = tuple(slice(at, at + size) for at in corner)
        covered = samples.copy()
        covered[:, *box] = 0.25
        falls[:, *box] += (whole - logits(model, covered, classes)).reshape(-1, *(1,) * len(box))
        covering[box] += 1
    maps = Explainer(model).occlusion(samples, classes, size, stride, fill=0.25)
    np.testing.assert_allclose(maps, falls / covering, atol=1e-5)


@pytest.mark.parametrize("sizes", [(5,), (6, 4), (3, 4, 5)])
def test_a_resized_constant_stays_and_a_slope_stays_between_its_ends(sizes: tuple[int, ...]) -> None:
    larger = tuple(2 * size + 1 for size in sizes)
    np.testing.assert_allclose(resize(tf.ones((2, *sizes)), larger), np.ones((2, *larger)), rtol=1e-6)
    slope = np.broadcast_to(np.arange(sizes[-1], dtype="float32"), (1, *sizes))
    found = np.asarray(resize(tf.constant(slope), larger))
    expected = np.broadcast_to(linear(larger[-1], sizes[-1]) @ np.arange(sizes[-1]), (1, *larger))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def twins() -> tuple[keras.Model, keras.Model]:
    """Returns a network with a nested backbone that is called twice, and the same in one piece."""
    keras.utils.set_random_seed(0)
    convolutions = [
        keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.ReLU(name="relu"),
        keras.layers.SeparableConv2D(4, 3, padding="same", activation="softplus", name="separable"),
    ]
    head = [keras.layers.Flatten(), keras.layers.Dense(3)]
    backbone = keras.Sequential([keras.Input((8, 7, 4)), *convolutions], name="backbone")
    outer = keras.Input((8, 7, 4))
    models = []
    for parts in ([backbone, backbone], convolutions * 2):
        x = outer
        for part in (*parts, *head):
            x = part(x)
        models.append(keras.Model(outer, x))
    return models[0], models[1]


@pytest.mark.parametrize("layer", ["depthwise", "separable", "depthwise:2", "separable:2"])
def test_a_nested_model_is_explained_as_the_same_in_one_piece(twins: Any, layer: str) -> None:
    random = np.random.default_rng(0)
    samples, classes = random.normal(size=(6, 8, 7, 4)), np.arange(6) % 3
    ours, theirs = Explainer(twins[0], f"backbone/{layer}"), Explainer(twins[1], layer)
    assert ours.grad_cam(samples, classes).any()
    np.testing.assert_array_equal(ours.grad_cam(samples, classes), theirs.grad_cam(samples, classes))


def test_the_default_is_the_last_convolution_in_the_nested_model(twins: Any) -> None:
    nested, flat = twins
    samples = np.random.default_rng(0).normal(size=(2, 8, 7, 4))
    last = Explainer(nested, "backbone/separable:2").grad_cam(samples, [0, 1])
    np.testing.assert_array_equal(Explainer(nested).grad_cam(samples, [0, 1]), last)
    ours, theirs = (Explainer(model).integrated_gradients(samples, [0, 1], steps=4)[0] for model in (nested, flat))
    np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="which has backbone/depthwise, backbone/separable, backbone/depthwise:2"):
        Explainer(nested, "separable")


def test_a_convolution_over_other_axes_than_the_sample_s_is_not_explained() -> None:
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            keras.layers.Conv2D(2, 3, name="image"),
            keras.layers.Reshape((12, 2)),
            keras.layers.Conv1D(2, 3, name="signal"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    assert Explainer(model).grad_cam(np.ones((1, 6, 5, 1)), [0]).shape == (1, 6, 5)
    with pytest.raises(ValueError, match=r"which has image\. Received: layer='signal'"):
        Explainer(model, "signal")
