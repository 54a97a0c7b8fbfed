from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.training import optimizer

RATE = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.9)

SAME = {
    "Adam": {},
    "Adam, other constants": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
    "Adam, amsgrad": {"amsgrad": True},
    "Adam, clipnorm": {"clipnorm": 0.1},
    "Adam, clipvalue": {"clipvalue": 0.01},
    "Adam, global_clipnorm": {"global_clipnorm": 0.1},
    "Adam, moving average": {"use_ema": True, "ema_overwrite_frequency": 2},
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
