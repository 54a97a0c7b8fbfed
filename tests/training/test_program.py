import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.errors import DivergedError
from trainer.layers import Dropout
from trainer.training import optimizer
from trainer.training.feed import Feed, Numbered
from trainer.training.loop import Loop, Stage
from trainer.training.program import Program
from trainer.training.results import Results
from trainer.training.step import Step

_ROWS, _STEPS = 10, 6  # of an epoch


def _samples(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(count, 4)).astype(np.float32), np.arange(count, dtype=np.int32) % 3


def _model(kind: str = "adam", policy: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(8, activation="relu", name="hidden", dtype=policy),
        keras.layers.BatchNormalization(name="normal", dtype=policy),
        Dropout(0.2, seed=3, dtype=policy),
        keras.layers.Dense(3, name="dense", dtype="float32"),
    ]
    model = keras.Sequential(layers)
    made: Any = {"adam": optimizer.Adam, "adamw": optimizer.AdamW, "sgd": optimizer.SGD}[kind](0.01)
    if policy == "mixed_float16":
        made = keras.optimizers.LossScaleOptimizer(made)
    model.compile(made, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.build(model.trainable_variables)
    return model


def _feed(samples: np.ndarray, targets: np.ndarray, epochs: int = 1) -> Feed:
    """Returns batches in order, from a pipeline and by their numbers; of an evaluation, the rest too."""
    steps, rest = divmod(len(samples), _ROWS)
    held = tf.constant(samples), tf.constant(targets)

    def batch(held: Any, number: tf.Tensor, rows: int) -> tuple[tf.Tensor, tf.Tensor]:
        indices = number % (steps + 1 if rest else steps) * _ROWS + tf.range(rows, dtype=tf.int64)
        return tf.gather(held[0], indices), tf.gather(held[1], indices)

    whole = tf.data.Dataset.from_tensor_slices((samples, targets)).batch(_ROWS)
    numbered = Numbered(lambda first: (held, steps - first % steps), batch, _ROWS, rest)
    return Feed(lambda context: whole.repeat(epochs), (steps + (rest > 0)) * epochs, numbered=numbered)


def _fit(model: keras.Model, is_compiled: bool, samples: np.ndarray, epochs: int = 3) -> list[dict[str, float]]:
    logs: list[dict[str, float]] = []
    metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, new: logs.append(dict(new)))
    loop = Loop(model, tf.distribute.get_strategy(), metrics, is_compiled=is_compiled)
    training, validation = _feed(samples, _samples()[1], epochs), _feed(*_samples(25))
    loop.fit([Stage.whole(model, epochs, training, validation)], _STEPS, [record])
    return logs


@pytest.mark.parametrize(
    ("kind", "policy"), [("adam", "float32"), ("adamw", "float32"), ("sgd", "float32"), ("adam", "mixed_float16")]
)
def test_a_program_does_what_the_graphs_do(kind: str, policy: str) -> None:
    plain, compiled = (_model(kind, policy) for _ in range(2))
    expected, found = (_fit(model, model is compiled, _samples()[0]) for model in (plain, compiled))
    tolerance = 1e-4 if policy == "float32" else 2e-2
    for one, other in zip(compiled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    names = [name for name in expected[0] if name != "input_wait"]
    for one, other in zip(found, expected, strict=True):
        assert [one[name] for name in names] == pytest.approx([other[name] for name in names], rel=0.01, abs=0.01)
        assert one.keys() == other.keys()
        assert 0 <= one["input_wait"] <= 1


def test_a_program_stops_at_the_step_whose_loss_is_not_finite() -> None:
    samples, _ = _samples()
    samples[33, 2] = np.inf
    model = _model()
    with pytest.raises(DivergedError, match=r"the loss is (nan|inf) at step 4; gradient norms: .*; before: loss \d"):
        _fit(model, True, samples)
    assert int(model.optimizer.iterations) == 4


def _seconds(program: Program, feed: Feed, first: int, steps: int) -> float:
    begin = time.perf_counter()
    program.train(feed, first, steps, loss=tf.constant(0.0), stopping=tf.constant(0.0))
    return time.perf_counter() - begin


def test_a_program_is_compiled_once_whatever_the_steps() -> None:
    model, strategy = _model(), tf.distribute.get_strategy()
    program = Program(Step(model, strategy, Results(strategy, [])))
    feed = _feed(*_samples())
    first, *others = (_seconds(program, feed, *steps) for steps in ((0, 1), (1, 2), (3, 3), (6, 6)))
    assert max(others) < first / 3
    assert int(model.optimizer.iterations) == 12


def test_rejects_a_feed_without_numbers() -> None:
    strategy = tf.distribute.get_strategy()
    program = Program(Step(_model(), strategy, Results(strategy, [])))
    no_numbers: Sequence[Any] = ()
    with pytest.raises(ValueError, match="`feed` must be numbered"):
        program.evaluate(Feed(lambda context: no_numbers, 0), tf.constant(0.0))
