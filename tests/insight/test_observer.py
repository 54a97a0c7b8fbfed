from pathlib import Path

import keras
import numpy as np
import pytest

from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.insight.observer import Examples, Observer
from trainer.layers import Conv1D, Conv2D, Conv3D


def _examples(count: int = 40, classes: int = 3) -> Examples:
    random = np.random.default_rng(0)
    labels = random.permutation(np.arange(count) % classes)
    return Examples(random.integers(0, 256, (count, 12, 12, 1), np.uint8), labels, [str(i) for i in range(classes)])


def _model() -> keras.Model:
    return networks.build(HParams(filters=4, dense_units=8), Form((12, 12), 1), 3).model


def test_the_probes_are_the_first_of_each_class() -> None:
    examples = _examples()
    probes = Observer(_model(), examples).probes
    assert [examples.labels[probe] for probe in probes] == [0, 1, 2]
    assert all(examples.labels[probe] not in examples.labels[:probe] for probe in probes)


def test_maps_are_what_the_layer_gives_under_its_activation() -> None:
    model, examples = _model(), _examples()
    observer = Observer(model, examples)
    maps = observer.look().maps
    x = keras.ops.cast(examples.samples[observer.probes], "float32") / 255
    first = model.get_layer("conv1")(x)
    np.testing.assert_allclose(maps["conv1"][:3], first, atol=1e-5)
    assert list(observer.look().activations) == ["conv1", "conv2", "dense", "logits"]
    # The network pools before it activates; what is shown is active all the same.
    np.testing.assert_allclose(maps["conv2"][:3], np.maximum(model.get_layer("conv2")(first), 0), atol=1e-5)


def test_looks_at_the_weights_of_now_and_changes_none() -> None:
    model = _model()
    observer = Observer(model, _examples())
    before = observer.look()
    model.get_layer("conv1").kernel.assign(2 * model.get_layer("conv1").kernel)
    weights = model.get_weights()
    after = observer.look()
    np.testing.assert_allclose(after.kernels["conv1"], 2 * before.kernels["conv1"])
    assert after.changes(before.kernels) == pytest.approx({"conv1": 1.0, "conv2": 0.0})
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_filter_that_gives_nothing_is_dead() -> None:
    model = _model()
    conv = model.get_layer("conv2")
    bias = np.zeros(8, "float32")
    bias[5] = -1e6
    conv.bias.assign(bias)
    dead = Observer(model, _examples()).look().dead()["conv2"]
    assert dead[5]


def test_gradients_are_those_of_the_loss() -> None:
    model, examples = _model(), _examples(count=12)
    look = Observer(model, examples).look()
    assert set(look.gradients) == set(look.weights)
    assert look.gradients["logits/bias"].sum() == pytest.approx(0, abs=1e-5)  # of a softmax


def test_classifies_as_the_network_does() -> None:
    model, examples = _model(), _examples()
    probabilities, hidden = Observer(model, examples).classify()
    expected = keras.ops.softmax(model(examples.samples.astype("float32"), training=False))
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert hidden.shape == (40, 8)


def test_a_network_with_branches() -> None:
    inputs = keras.Input((12, 12, 1))
    x = Conv2D(4, 3, padding="same", activation="relu", name="a")(inputs)
    x = keras.layers.add([x, keras.layers.Conv2D(4, 1, name="b")(inputs)])
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    assert set(Observer(model, _examples()).look().maps) == {"a", "b"}


def test_nested_and_shared_layers_have_names_of_their_own() -> None:
    """Both convolutions are called `conv`, and the outer one is called twice."""
    inner = keras.Sequential([keras.Input((12, 12, 1)), Conv2D(2, 3, padding="same", name="conv")], name="inner")
    inputs = keras.Input((12, 12, 1))
    shared = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu", name="conv")
    x = keras.layers.Flatten()(shared(shared(inner(inputs))))
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))
    look = Observer(model, _examples()).look()
    assert list(look.kernels) == ["inner/conv", "conv"]
    assert list(look.maps) == ["inner/conv", "conv", "conv:2"]
    assert look.kernels["conv"].shape == (3, 3, 1, 2)
    assert set(look.weights) == set(look.gradients) == {
        "inner/conv/kernel", "inner/conv/bias", "conv/kernel", "conv/bias", "logits/kernel", "logits/bias"
    }  # fmt: skip
    x = keras.ops.cast(_examples().samples[Observer(model, _examples()).probes], "float32")
    np.testing.assert_allclose(look.maps["conv:2"][:3], shared(shared(inner(x))), rtol=1e-4)
    assert set(look.dead()) == set(look.maps)


@pytest.mark.parametrize("kind", [Conv1D, Conv3D])
def test_signals_and_volumes(kind: type[keras.layers.Layer]) -> None:
    rank = kind.rank
    shape = (*(6 + axis for axis in range(rank)), 2)
    stack = [keras.Input(shape), kind(4, 3, activation="relu", name="conv"), keras.layers.Flatten()]
    model = keras.Sequential([*stack, keras.layers.Dense(5, activation="relu"), keras.layers.Dense(3)])
    random = np.random.default_rng(0)
    examples = Examples(random.normal(size=(9, *shape)), np.arange(9) % 3, ["a", "b", "c"])
    observer = Observer(model, examples)
    look = observer.look()
    assert look.kernels["conv"].shape == (*(3,) * rank, 2, 4)
    assert look.maps["conv"].shape == (9, *(4 + axis for axis in range(rank)), 4)
    assert look.dead()["conv"].shape == (4,)
    probabilities, hidden = observer.classify()
    assert (probabilities.shape, hidden.shape) == ((9, 3), (9, 5))


def test_a_loaded_model_is_observed_as_the_one_that_was_saved(tmp_path: Path) -> None:
    model = _model()
    model.save(tmp_path / "model.keras")
    looks = [Observer(one, _examples()).look() for one in (model, keras.models.load_model(tmp_path / "model.keras"))]
    for ours, theirs in zip(*(look.activations.values() for look in looks), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_maps_have_their_channels_last() -> None:
    convolution = keras.layers.Conv2D(4, 3, data_format="channels_first", name="conv")
    stack = [keras.Input((12, 12, 1)), keras.layers.Permute((3, 1, 2)), convolution, keras.layers.Flatten()]
    model = keras.Sequential([*stack, keras.layers.Dense(3)])
    look = Observer(model, _examples()).look()
    assert look.maps["conv"].shape[1:] == (10, 10, 4)
    assert look.dead()["conv"].shape == (4,)
