"""Many steps as one program of XLA, with batches that are made from what the device holds; on one device."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from trainer.training.feed import Batch, Feed, Numbered
from trainer.training.step import Step
from trainer.training.steps import Ran

_Make = Callable[[Any, tf.Tensor, int], Batch]


class Program:
    """Runs the steps of feeds that are numbered.

    What XLA compiles has no clock, so the seconds are measured around a call.

    Args:
      step: what is run.
    """

    def __init__(self, step: Step):
        self._step = step
        self._train_program = tf.function(self._train, jit_compile=True, autograph=False)
        self._evaluate_program = tf.function(self._evaluate, jit_compile=True, autograph=False)

    def train(self, feed: Feed, first: int, steps: int, *, loss: tf.Tensor, stopping: tf.Tensor) -> Ran:
        """Runs some steps, or those up to the first whose loss is not finite; returns what `Steps.train` does.

        Args:
          feed: numbered.
          first: the number of the first step's batch.
          steps: how many, at most.
          loss: of the step before.
          stopping: 1 where this machine is to stop.
        """
        numbered, begin = _numbered(feed), time.perf_counter()
        held, most = numbered.held(first)
        waited = time.perf_counter() - begin
        number, count = tf.constant(first, tf.int64), tf.constant(min(steps, most))
        ran = self._train_program(numbered.batch, numbered.rows, held, number, count, loss=loss)
        float(ran["loss"])  # waits for it
        return {**ran, "seconds": time.perf_counter() - begin, "waited": waited, "stopping": stopping}

    def evaluate(self, feed: Feed, stopping: tf.Tensor) -> Ran:
        """Evaluates all of a numbered feed; returns what `Steps.evaluate` does."""
        numbered, begin = _numbered(feed), time.perf_counter()
        full = feed.steps - (numbered.rest > 0)
        held, _ = numbered.held(0)
        results = self._evaluate_program(
            numbered.batch, numbered.rows, numbered.rest, held, tf.constant(full, tf.int64)
        )
        return {"seconds": time.perf_counter() - begin, "stopping": stopping, "results": results}

    def _train(self, batch: _Make, rows: int, held: Any, first: tf.Tensor, steps: tf.Tensor, *, loss: tf.Tensor) -> Ran:
        def step(done: tf.Tensor, loss: tf.Tensor, former: Any, squares: Any) -> tuple[tf.Tensor, ...]:
            del former, squares
            samples, targets, *count = batch(held, first + tf.cast(done, tf.int64), rows)
            done += 1
            ran, norms = self._step.strategy.run(self._step.train, (samples, targets, done == steps, *count))
            return done, ran, loss, norms

        done, loss, former, squares = tf.while_loop(
            lambda done, loss, *_: tf.logical_and(done < steps, tf.math.is_finite(loss)),
            step,
            (tf.constant(0), loss, loss, tf.zeros(len(self._step.model.trainable_variables))),
        )
        return {
            "steps": done,
            "loss": loss,
            "former": former,
            "squares": squares,
            "results": self._step.results.values(),
            "metrics": self._step.strategy.run(self._step.results.gather),
        }

    def _evaluate(self, batch: _Make, rows: int, rest: int, held: Any, full: tf.Tensor) -> dict[str, tf.Tensor]:
        def step(number: tf.Tensor) -> tuple[tf.Tensor]:
            self._step.strategy.run(self._step.evaluate, batch(held, number, rows))
            return (number + 1,)

        tf.while_loop(lambda number: number < full, step, (tf.constant(0, tf.int64),))
        if rest:
            self._step.strategy.run(self._step.evaluate, batch(held, full, rest))
        return self._step.results.values()


def _numbered(feed: Feed) -> Numbered:
    if feed.numbered is None:
        raise ValueError("`feed` must be numbered")
    return feed.numbered
