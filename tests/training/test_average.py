import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.training import optimizer
from trainer.training.average import Average


def _model(**values: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile(optimizer.Adam(0.1, **values))
    model.optimizer.build(model.trainable_variables)
    return model


def _train(model: keras.Model, steps: int) -> None:
    for _ in range(steps):
        model.optimizer.apply([tf.ones(one.shape) for one in model.trainable_variables], model.trainable_variables)


def test_a_model_has_the_average_in_the_block_and_its_own_weights_after_it() -> None:
    model = _model(use_ema=True, ema_momentum=0.9)
    _train(model, 3)
    own = model.get_weights()
    made = Average(model)
    with made.taken():
        averages = [one.numpy() for one in model.optimizer._model_variables_moving_average]
        assert all(
            np.array_equal(*pair)
            for pair in zip(averages, (one.numpy() for one in model.trainable_variables), strict=True)
        )
        assert not np.array_equal(model.get_weights()[0], own[0])
        assert all(np.array_equal(made.own(one), value) for one, value in zip(model.weights, own, strict=True))
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), own, strict=True))
    Average(model).take()
    assert np.array_equal(model.trainable_variables[0].numpy(), averages[0])


@pytest.mark.parametrize(("values", "steps"), [({}, 2), ({"use_ema": True}, 0)])
def test_nothing_changes_without_an_average(values: dict[str, object], steps: int) -> None:
    model = _model(**values)
    _train(model, steps)
    own = model.get_weights()
    Average(model).take()
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), own, strict=True))


def test_an_optimizer_that_scales_the_loss_has_it_too() -> None:
    model = _model()
    model.compile(keras.optimizers.LossScaleOptimizer(optimizer.Adam(0.1, use_ema=True)))
    model.optimizer.build(model.trainable_variables)
    _train(model, 2)
    with Average(model).taken():
        expected = model.optimizer.inner_optimizer._model_variables_moving_average[0].numpy()
        assert np.array_equal(model.trainable_variables[0].numpy(), expected)
