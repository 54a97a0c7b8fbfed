"""Attributions where the deciding pixels are known, and against formulas that share no code with them."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.stats import spearmanr

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.insight.attribution import Explainer
from trainer.insight.sanity import rank_correlation, sanity
from trainer.networks import build

HEIGHT, WIDTH = 12, 10


def quadrants() -> np.ndarray:
    """Returns, (4, height, width), where each quadrant is."""
    masks = np.zeros((4, HEIGHT, WIDTH))
    for k in range(4):
        masks[k, k // 2 * 6 :, k % 2 * 5 :][:6, :5] = 1
    return masks


def patches(k: int, channels: int) -> np.ndarray:
    """Returns an image with one bright patch, well inside quadrant k."""
    image = np.zeros((HEIGHT, WIDTH, channels), np.uint8)
    image[k // 2 * 6 + 2 :, k % 2 * 5 + 1 :][:2, :2] = 120 + 30 * k
    return image


def quadrant_model(channels: int) -> keras.Model:
    """Returns a network whose logit k is the brightness of quadrant k alone."""
    pixels = HEIGHT * WIDTH
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, channels)),
            layers.Flatten(),
            layers.Dense(pixels * 4, use_bias=False),
            layers.Reshape((HEIGHT, WIDTH, 4)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )
    chosen = np.zeros((pixels, channels, pixels, 4))
    chosen[np.arange(pixels), :, np.arange(pixels)] = quadrants().reshape(4, pixels).T[:, None]
    kernel = np.zeros((3, 3, 4, 4))
    kernel[1, 1] = np.eye(4)
    model.set_weights([chosen.reshape(pixels * channels, pixels * 4), kernel, np.zeros(4), np.eye(4), np.zeros(4)])
    return model


@pytest.fixture(scope="module")
def trained() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """A small network of the trainer's that separates three noisy stripes; some images, and their classes."""
    random = np.random.default_rng(0)
    labels = np.arange(384) % 3
    images = random.integers(0, 90, (384, HEIGHT, WIDTH, 1))
    for image, label in zip(images, labels, strict=True):
        row = 4 * label + random.integers(0, 3)
        image[row : row + 2] += 120
    keras.utils.set_random_seed(0)
    model = build(HParams(filters=4, dense_units=16, dropout=0.1), Form((HEIGHT, WIDTH), 1), 3).model
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, labels, batch_size=32, epochs=5, verbose=0)
    images, labels = images[:12].astype(np.uint8), labels[:12]
    assert (model.predict(images, verbose=0).argmax(axis=1) == labels).all()
    return model, images, labels


@pytest.fixture(scope="module")
def explainer(trained) -> Explainer:
    """Of the trained network; made once, since tracing takes most of a test."""
    return Explainer(trained[0])


def logits(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    outputs = np.asarray(model(np.asarray(images, np.float32), training=False))
    return outputs[np.arange(len(images)), classes]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", ["grad_cam", "integrated_gradients", "occlusion"])
def test_mass_lies_where_the_class_is_decided(method, channels):
    explainer = Explainer(quadrant_model(channels))
    methods = {
        "grad_cam": explainer.grad_cam,
        "integrated_gradients": lambda images, classes: explainer.integrated_gradients(images, classes)[0].sum(axis=-1),
        "occlusion": lambda images, classes: explainer.occlusion(images, classes, size=2, stride=1),
    }
    single = np.stack([patches(k, channels) for k in range(4)])
    together = np.repeat(single.sum(axis=0, keepdims=True, dtype=np.uint8), 4, axis=0)
    for images in (single, together):
        maps = methods[method](images, range(4))
        assert maps.shape == (4, HEIGHT, WIDTH)
        assert maps.dtype == np.float32
        assert (maps.sum(axis=(1, 2)) > 0).all()
        np.testing.assert_allclose(maps * (1 - quadrants()), 0, atol=1e-5)
    np.testing.assert_allclose(methods[method](single, [1, 2, 3, 0]), 0, atol=1e-5)


@pytest.mark.parametrize("baseline", [0.0, 50.0])
def test_integrated_gradients_of_a_linear_model(baseline):
    random = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((4, 5, 2)), layers.Conv2D(1, 1), layers.Flatten(), layers.Dense(3)])
    images, classes = random.integers(0, 256, (6, 4, 5, 2), np.uint8), np.array([0, 1, 2, 2, 1, 0])
    mix, *_, dense, _ = model.get_weights()
    slopes = dense.T.reshape(3, 4, 5, 1) * mix[0, 0, :, 0]
    attributions, residuals = Explainer(model).integrated_gradients(images, classes, baseline)
    np.testing.assert_allclose(attributions, (images - baseline) * slopes[classes], rtol=1e-4, atol=1e-3)
    assert residuals.max() < 1e-3


def test_integrated_gradients_are_complete(trained, explainer):
    model, images, labels = trained
    for classes in (labels, (labels + 1) % 3):
        attributions, residuals = explainer.integrated_gradients(images, classes, baseline=20.0)
        differences = logits(model, images, classes) - logits(model, np.full_like(images, 20), classes)
        sums = attributions.sum(axis=(1, 2, 3))
        np.testing.assert_allclose(np.abs(sums - differences) / np.abs(differences), residuals, atol=1e-4)
        assert residuals.max() < 0.01


def test_only_what_is_not_yet_complete_takes_more_steps(trained, explainer):
    _, images, labels = trained
    coarse, before = explainer.integrated_gradients(images, labels, steps=8, most_steps=8, tolerance=0.01)
    fine, after = explainer.integrated_gradients(images, labels, steps=8, most_steps=256, tolerance=0.01)
    done = before <= 0.01
    assert 0 < done.sum() < len(images)
    assert after.max() <= 0.01
    np.testing.assert_array_equal(coarse[done], fine[done])


def test_an_image_like_the_baseline_has_no_attributions(explainer):
    attributions, residuals = explainer.integrated_gradients(np.zeros((1, HEIGHT, WIDTH, 1)), [1])
    assert not attributions.any()
    assert not residuals.any()


def bilinear(length: int, size: int) -> np.ndarray:
    """Returns the matrix that brings `size` values to `length`, pixels being areas."""
    at = np.clip((np.arange(length) + 0.5) * size / length - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(size)))


@pytest.mark.parametrize("layer", ["conv", None])
def test_grad_cam_by_its_formula(layer):
    random = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    image = keras.Input((9, 11, 3))
    maps = layers.Conv2D(6, 3, strides=2, activation="relu", name="conv")(image)
    model = keras.Model(image, layers.Dense(4)(layers.Flatten()(maps)))
    images, classes = random.normal(size=(5, 9, 11, 3)), np.array([0, 1, 2, 3, 0])
    kernel, _, dense, _ = model.get_weights()
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))[:, ::2, ::2]
    features = np.maximum(0, np.einsum("bhwcij,ijcf->bhwf", windows, kernel))
    weights = dense.reshape(4, 5, 6, 4).mean(axis=(0, 1)).T[classes]
    cams = np.maximum(0, np.einsum("bhwf,bf->bhw", features, weights))
    expected = bilinear(9, 4) @ cams @ bilinear(11, 5).T
    assert expected.max() > 0
    np.testing.assert_allclose(Explainer(model, layer).grad_cam(images, classes), expected, atol=1e-6)


@pytest.mark.parametrize(("layer", "features"), [("conv1", "conv1"), ("conv2", "activation")])
def test_grad_cam_as_tf_keras_vis_has_it(trained, layer, features):
    vis = pytest.importorskip("tf_keras_vis.gradcam")
    scores = pytest.importorskip("tf_keras_vis.utils.scores")
    model, images, labels = trained
    expected = vis.Gradcam(model, clone=False)(
        scores.CategoricalScore(labels.tolist()),
        images.astype(np.float32),
        penultimate_layer=features,
        seek_penultimate_conv_layer=False,  # it knows a convolution by Keras's base class, which is not the trainer's
        expand_cam=False,  # its zoom aligns corners
        normalize_cam=False,
    )
    expected = bilinear(HEIGHT, expected.shape[1]) @ np.asarray(expected) @ bilinear(WIDTH, expected.shape[2]).T
    assert expected.max() > 0
    np.testing.assert_allclose(Explainer(model, layer).grad_cam(images, labels), expected, atol=1e-5)


@pytest.mark.parametrize(("size", "stride", "fill"), [(3, 2, 0.0), (5, 5, 128.0), (10, 3, 255.0)])
def test_occlusion_by_a_loop(trained, explainer, size, stride, fill):
    model, images, labels = (part if index == 0 else part[:2] for index, part in enumerate(trained))
    whole = logits(model, images, labels)
    falls, covering = np.zeros((2, HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH))
    rows = sorted({min(row, HEIGHT - size) for row in range(0, HEIGHT, stride)})
    columns = sorted({min(column, WIDTH - size) for column in range(0, WIDTH, stride)})
    for row in rows:
        for column in columns:
            covered = images.copy()
            covered[:, row : row + size, column : column + size] = fill
            fall = whole - logits(model, covered, labels)
            falls[:, row : row + size, column : column + size] += fall[:, None, None]
            covering[row : row + size, column : column + size] += 1
    assert covering.min() > 0
    maps = explainer.occlusion(images, labels, size, stride, fill)
    np.testing.assert_allclose(maps, falls / covering, atol=1e-4)


def test_rank_correlation_is_spearmans():
    random = np.random.default_rng(0)
    a, b = random.integers(0, 5, (2, 6, 7, 8)) * random.normal(size=(2, 1, 1, 1))
    b[:3] += a[:3]
    expected = [spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(a, b), expected, atol=1e-12)
    np.testing.assert_allclose(rank_correlation(a, np.exp(a)), 1)
    np.testing.assert_allclose(rank_correlation(a, -a), -1)
    np.testing.assert_array_equal(rank_correlation(a, np.full_like(a, 0.1)), 0)
    np.testing.assert_array_equal(rank_correlation(a[:, :0], b[:, :0]), 0)


def test_other_weights_give_other_maps(trained, explainer):
    model, images, labels = trained
    before, state = model.get_weights(), np.random.get_state()[1].copy()
    maps = explainer.grad_cam(images, labels), explainer.integrated_gradients(images, labels)[0]
    result = sanity(explainer, images, labels, *maps, draws=8)
    assert set(result) == {"grad_cam", "integrated_gradients"}
    # One draw of Grad-CAM is anything from 0.2 to 0.9: these maps have few channels, each much like the image.
    assert abs(result["grad_cam"]) < 0.9
    assert abs(result["integrated_gradients"]) < 0.3
    assert sanity(explainer, images, labels, *maps) == sanity(explainer, images, labels, *maps) != result
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_shuffled_as_a_clone_with_those_weights(trained, explainer):
    model, images, labels = trained
    shuffled = explainer.shuffled(3)
    random, clone = np.random.default_rng(3), keras.models.clone_model(model)
    clone.set_weights([random.permutation(weight.ravel()).reshape(weight.shape) for weight in model.get_weights()])
    np.testing.assert_allclose(shuffled.grad_cam(images, labels), Explainer(clone).grad_cam(images, labels), atol=1e-5)


def test_weights_are_read_anew():
    model = quadrant_model(1)
    explainer, images = Explainer(model), np.stack([patches(2, 1)])
    before = explainer.grad_cam(images, [2])
    model.layers[-1].kernel.assign(3 * np.eye(4))
    np.testing.assert_allclose(explainer.grad_cam(images, [2]), 3 * before, rtol=1e-5)


def test_a_loaded_model_as_the_one_that_was_saved(trained, tmp_path):
    """Keras builds a Sequential model twice when it loads it, and `layer.output` is of the first time."""
    model, images, labels = trained
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    maps = (Explainer(each).grad_cam(images[:4], labels[:4]) for each in (model, loaded))
    np.testing.assert_allclose(*maps, atol=1e-5)


def test_many_images_as_few(trained, explainer):
    _, images, labels = trained
    many = explainer.grad_cam(np.tile(images, (25, 1, 1, 1)), np.tile(labels, 25))  # more than go in one call
    np.testing.assert_allclose(many[-12:], explainer.grad_cam(images, labels), atol=1e-5)


def test_mixed_precision_gives_float32():
    keras.utils.set_random_seed(0)
    models = [
        build(HParams(filters=4, dense_units=16), Form((8, 6), 3), 3, policy).model
        for policy in ("float32", "mixed_bfloat16")
    ]
    models[1].set_weights(models[0].get_weights())
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3), np.uint8)
    results = []
    for model in models:
        explainer = Explainer(model)
        paths, residuals = explainer.integrated_gradients(images, [0, 1, 2])
        results.append([explainer.grad_cam(images, [0, 1, 2]), paths, explainer.occlusion(images, [0, 1, 2], 3, 2)])
        assert {part.dtype for part in (*results[-1], residuals)} == {np.dtype(np.float32)}
    for full, mixed in zip(*results, strict=True):
        np.testing.assert_allclose(mixed, full, atol=0.1 * np.abs(full).max())


def test_rejects_what_does_not_fit():
    model = quadrant_model(1)
    with pytest.raises(ValueError, match=r"^`layer` must be a convolution .*has conv2d.*\. Received: layer='dense'"):
        Explainer(model, "dense")
    dense = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"^`layer` must be a convolution .*has none\. Received: layer='dense'"):
        Explainer(dense, "dense")
    with pytest.raises(ValueError, match=r"^`model` must have a convolution .*\. Received: none"):
        Explainer(dense).grad_cam(np.zeros((1, 4, 4, 1)), [0])
    explainer, images = Explainer(model), np.zeros((2, HEIGHT, WIDTH, 1))
    for wrong in (images[0], images[:0], images[:, :3], np.zeros((2, HEIGHT, WIDTH, 3))):
        with pytest.raises(ValueError, match=r"^`samples` must have the shape .* Received: shape"):
            explainer.grad_cam(wrong, [0, 1])
    for wrong in ([0], [0, 4], [-1, 0], [0.0, 1.0], [[0], [1]]):
        with pytest.raises(ValueError, match=r"^`classes` must be one whole number from 0 to 3 .* Received:"):
            explainer.grad_cam(images, wrong)
    with pytest.raises(ValueError, match=r"^`steps` must be from 1 to most_steps=4\. Received: steps=5"):
        explainer.integrated_gradients(images, [0, 1], steps=5, most_steps=4)
    with pytest.raises(ValueError, match=r"^`size` must be from 1 to 10 .* Received: size=11"):
        explainer.occlusion(images, [0, 1], size=11, stride=1)
    with pytest.raises(ValueError, match=r"^`stride` must be from 1 to size=2\. Received: stride=3"):
        explainer.occlusion(images, [0, 1], size=2, stride=3)
    with pytest.raises(ValueError, match=r"^`b` must have the shape of a, \(2, 3\)\. Received: shape \(2, 4\)"):
        rank_correlation(np.zeros((2, 3)), np.zeros((2, 4)))
