from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.hparams import HParams
from trainer.training import optimizer

RATE = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.9)

SAME = {
    "Adam": {},
    "Adam, other constants": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
    "Adam, amsgrad": {"amsgrad": True},
    "Adam, clipnorm": {"clipnorm": 0.1},
    "Adam, clipvalue": {"clipvalue": 0.01},
    "Adam, global_clipnorm": {"global_clipnorm": 0.1},
    "Adam, gradient accumulation": {"gradient_accumulation_steps": 2},
    "Adam, weight decay": {"weight_decay": 0.1},
    "AdamW": {},
    "AdamW, amsgrad": {"amsgrad": True, "weight_decay": 0.1},
    "SGD": {},
    "SGD, momentum": {"momentum": 0.9},
    "SGD, nesterov": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "SGD, clipnorm": {"momentum": 0.9, "clipnorm": 0.1},
}


def _after(kind: type, values: dict[str, Any], dtype: str, graph: bool) -> list[np.ndarray]:
    """Returns two variables, and the optimizer's own, after six steps."""
    random = np.random.default_rng(0)
    variables = [keras.Variable(random.normal(size=shape), dtype=dtype) for shape in ((5, 3), (7,))]
    gradients = [[tf.constant(random.normal(size=v.shape), dtype) for v in variables] for _ in range(6)]
    made = kind(learning_rate=RATE, **values)
    made.build(variables)

    def apply(*step: tf.Tensor) -> None:
        made.apply(list(step), variables)

    update = tf.function(apply) if graph else apply
    for step in gradients:
        update(*step)
    return [np.asarray(v.numpy(), np.float64) for v in (*variables, *made.variables)]


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("case", SAME)
def test_gives_what_keras_gives(case: str, graph: bool) -> None:
    name, values = case.split(",", maxsplit=1)[0], SAME[case]
    ours = _after(getattr(optimizer, name), values, "float32", graph)
    theirs = _after(getattr(keras.optimizers, name), values, "float32", graph)
    for mine, his in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, his, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("float16", 2e-2), ("bfloat16", 1e-1)])
def test_other_types_too(name: str, dtype: str, tolerance: float) -> None:
    ours = _after(getattr(optimizer, name), {"epsilon": 1e-3} if name != "SGD" else {}, dtype, graph=False)
    theirs = _after(getattr(keras.optimizers, name), {"epsilon": 1e-3} if name != "SGD" else {}, dtype, graph=False)
    for mine, his in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(mine, his, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["Adam", "SGD"])
def test_a_sparse_gradient_takes_keras_own_way(name: str) -> None:
    results = []
    for module in (optimizer, keras.optimizers):
        variable = keras.Variable(np.ones((4, 2)), dtype="float32")
        made = getattr(module, name)(0.1)
        made.build([variable])
        made.apply([tf.IndexedSlices(tf.ones((2, 2)), tf.constant([0, 2]), tf.constant([4, 2]))], [variable])
        results.append(variable.numpy())
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_a_step_is_one_kernel() -> None:
    variable = keras.Variable(np.ones((4, 2)), dtype="float32")
    for made, kernel in (
        (optimizer.Adam(), "ResourceApplyAdam"),
        (optimizer.SGD(momentum=0.9), "ResourceApplyKerasMomentum"),
        (optimizer.SGD(), "ResourceApplyGradientDescent"),
    ):
        made.build([variable])
        graph = tf.function(lambda made=made: made.apply([tf.ones((4, 2))], [variable])).get_concrete_function().graph
        assert [op.type for op in graph.get_operations()].count(kernel) == 1


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_is_saved_and_loaded_under_its_own_name(name: str) -> None:
    made = keras.optimizers.deserialize(keras.optimizers.serialize(getattr(optimizer, name)(0.25)))
    assert type(made) is getattr(optimizer, name)
    assert float(made.learning_rate) == 0.25


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_the_average_is_first_a_plain_and_then_a_moving_one(name: str) -> None:
    variable = keras.Variable(np.zeros(3), dtype="float32")
    made = getattr(optimizer, name)(0.1, use_ema=True, ema_momentum=0.75)
    made.build([variable])
    apply = tf.function(lambda: made.apply([tf.constant([1.0, -2.0, 0.5])], [variable]))
    expected = np.zeros(3)
    for step in range(1, 9):
        apply()
        expected += (variable.numpy() - expected) * max(0.25, 1 / step)
    (average,) = made._model_variables_moving_average
    np.testing.assert_allclose(average.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [("linear", [0.0, 0.5, 1.0, 0.875, 0.5, 0.125]), ("cosine", [0.0, 0.5, 1.0, 0.962, 0.5, 0.038])],
)
def test_the_rate_rises_and_falls_to_zero(schedule: str, rates: list[float]) -> None:
    rate = optimizer.make(HParams(schedule=schedule, learning_rate=1e-2), 10)._learning_rate
    found = [float(rate(step)) * 100 for step in (0, 1, 2, 3, 6, 9)]
    np.testing.assert_allclose(found, rates, atol=1e-3)
    assert float(rate(10)) == 0
