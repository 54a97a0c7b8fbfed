import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.training import mixing
from trainer.training.mixing import Mixing
from trainer.training.results import Results
from trainer.training.step import Step


def test_none_without_a_share() -> None:
    assert Mixing.of(0.0, 1) is None


def test_shares_follow_from_the_seed_and_the_step() -> None:
    made = Mixing(0.4, 3)
    shares = np.array([float(made.share(tf.constant(step, tf.int64))) for step in range(200)])
    assert shares.min() >= 0.5 and shares.max() <= 1
    assert len(np.unique(shares)) > 190
    assert 0.8 < shares.mean() < 0.95  # of Beta(0.4, 0.4), folded at the middle
    compiled = tf.function(made.share, jit_compile=True)
    np.testing.assert_array_equal([float(compiled(tf.constant(step, tf.int64))) for step in range(200)], shares)
    assert float(Mixing(0.4, 4).share(tf.constant(0, tf.int64))) != shares[0]


@pytest.mark.parametrize(("rows", "expected"), [(4, [1, 0, 3, 2]), (3, [1, 0, 2]), (1, [0])])
def test_neighbours_are_partners(rows: int, expected: list[int]) -> None:
    assert mixing.partners(tf.range(rows)).numpy().tolist() == expected


def test_the_loss_is_that_of_both_targets() -> None:
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    samples, targets = random.normal(size=(6, 4)).astype(np.float32), np.array([0, 1, 2, 2, 1, 0], np.int32)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss)
    model.optimizer.build(model.trainable_variables)
    made, strategy = Mixing(1.0, 0), tf.distribute.get_strategy()
    with strategy.scope():
        results = Results(strategy, [])
    step = Step(model, strategy, results, mixing=made)
    found = tf.function(lambda: step.train(tf.constant(samples), tf.constant(targets), tf.constant(True))[0])()
    share = float(made.share(tf.constant(0, tf.int64)))
    outputs = model(share * samples + (1 - share) * samples[[1, 0, 3, 2, 5, 4]])
    soft = share * np.eye(3)[targets] + (1 - share) * np.eye(3)[targets[[1, 0, 3, 2, 5, 4]]]
    expected = keras.losses.CategoricalCrossentropy(from_logits=True)(soft, outputs)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
