import keras
import numpy as np
import pytest

from trainer.layers import Dropout
from trainer.training import frozen


def _backbone() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    branch = keras.layers.Conv2D(4, 3, padding="same", name="branch")(first)
    joined = keras.layers.Add(name="joined")([first, branch])
    last = keras.layers.Conv2D(4, 3, name="last")(keras.layers.BatchNormalization(name="normal")(joined))
    return keras.Model(inputs, last, name="backbone")


def _model() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(_backbone()(inputs))
    outputs = keras.layers.Dense(3, name="logits")(Dropout(0.5, name="dropout", seed=1)(pooled))
    return keras.Model(inputs, outputs)


def _samples() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "names, learning, last_below",
    [
        (["logits"], {"logits"}, "pool"),  # below the dropout, which is at random
        (["backbone/last", "logits"], {"backbone/last", "logits"}, "backbone/normal"),
        (["backbone/branch", "logits"], {"backbone/branch", "logits"}, "backbone/first"),  # one value goes on from here
    ],
)
def test_cuts_below_the_first_layer_that_learns(names: list[str], learning: set[str], last_below: str) -> None:
    model = _model()
    frozen.choose_layers(model, names)
    assert {variable.path.rpartition("/")[0] for variable in model.trainable_variables} >= {
        name.rpartition("/")[2] for name in learning
    }
    below, above = frozen.cut(model, names)
    assert below._graph.calls[-1].name == last_below
    samples = _samples()
    (value,) = below(samples, training=False)
    np.testing.assert_allclose(above(value, training=False)[0], model(samples, training=False), rtol=1e-5, atol=1e-6)


def test_what_is_below_does_not_train() -> None:
    model = _model()
    frozen.choose_layers(model, ["logits"])
    below, above = frozen.cut(model, ["logits"])
    state = [weight.numpy() for weight in model.get_layer("backbone").weights]
    (first,), (second,) = below(_samples(), training=False), below(_samples(), training=False)
    np.testing.assert_array_equal(first, second)
    assert (above(first, training=True)[0].numpy() != above(first, training=True)[0].numpy()).any()  # the dropout
    for weight, before in zip(model.get_layer("backbone").weights, state, strict=True):
        np.testing.assert_array_equal(weight, before)


@pytest.mark.parametrize("names", [None, ["backbone/first", "logits"]])
def test_where_the_first_layer_learns_nothing_is_cut(names: list[str] | None) -> None:
    assert frozen.cut(_model(), names) is None


def test_layers_learn_again_and_the_order_of_variables_stays() -> None:
    model = _model()
    paths = [variable.path for variable in model.variables]
    frozen.choose_layers(model, ["logits"])
    assert len(model.trainable_variables) == 2
    assert [variable.path for variable in model.variables] == paths
    frozen.choose_layers(model, ["backbone/first", "backbone/branch", "backbone/last", "logits"])
    assert len(model.trainable_variables) == 8
    assert not model.get_layer("backbone").get_layer("normal").trainable
    assert [variable.path for variable in model.variables] == paths
