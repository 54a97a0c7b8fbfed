"""The steps of a training as graphs: many of them in one call, on one device or on many."""

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from trainer.training import hardware
from trainer.training.feed import Batch
from trainer.training.step import Step

Ran = Mapping[str, Any]  # what one call returns


class Steps:
    """Runs steps whose elements a pipeline gives.

    Args:
      step: what is run. Where XLA compiles it, it compiles each step; the pipeline around them it cannot.
    """

    def __init__(self, step: Step):
        self._strategy, self._results, self._variables = step.strategy, step.results, step.model.trainable_variables

        def train(take: Callable[..., Batch], held: Any, element: Any, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            samples, targets, *count = take(held, *element)
            return step.train(samples, targets, last, *count)

        def evaluate(take: Callable[..., Batch], held: Any, element: Any) -> None:
            samples, targets = take(held, *element)
            step.evaluate(samples, targets)

        compiled = functools.partial(tf.function, jit_compile=True, autograph=False)
        self._train_step = compiled(train) if step.is_compiled else train
        self._evaluate_step = compiled(evaluate) if step.is_compiled else evaluate
        # Without AutoGraph, which takes half a second to convert what it finds no loop or condition in.
        self.train = tf.function(self._train, reduce_retracing=True, autograph=False)
        self.evaluate = tf.function(self._evaluate, reduce_retracing=True, autograph=False)

    def _train(
        self,
        take: Callable[..., Batch],
        held: Any,
        iterator: Any,
        steps: tf.Tensor,
        *,
        loss: tf.Tensor,
        stopping: tf.Tensor,
    ) -> Ran:
        """Runs some steps, or those up to the first whose loss is not finite.

        Args:
          take: makes a replica's batch; see `Feed`.
          held: what each replica's device holds.
          iterator: gives the elements.
          steps: how many.
          loss: of the step before.
          stopping: 1 where this machine is to stop.
        """

        def step(done: tf.Tensor, loss: tf.Tensor, former: Any, squares: Any, waited: tf.Tensor) -> tuple[Any, ...]:
            del former, squares
            with tf.control_dependencies([loss]):
                asked = _now()
            with tf.control_dependencies([asked]):
                element = next(iterator)
            with tf.control_dependencies(tf.nest.flatten(element, expand_composites=True)):
                waited += _now() - asked
            done += 1
            ran = self._first(self._strategy.run(self._train_step, (take, held, element, done == steps)))
            return done, ran[0], loss, ran[1], waited

        begin = _now()
        done, loss, former, squares, waited = tf.while_loop(
            lambda done, loss, *_: tf.logical_and(done < steps, tf.math.is_finite(loss)),
            step,
            (tf.constant(0), loss, loss, tf.zeros(len(self._variables)), tf.constant(0.0, tf.float64)),
        )
        with tf.control_dependencies([loss]):
            seconds = tf.cast(_now() - begin, tf.float32)
        # Every machine must get the same values, or they would not agree on how many steps are next.
        shared = self._strategy.run(_mean_over_replicas, ((seconds, squares, stopping),))
        seconds, squares, stopping = self._first(shared)
        return {
            "steps": done,
            "loss": loss,
            "former": former,
            "squares": squares,
            "seconds": seconds,
            "waited": waited,
            "stopping": stopping,
            "results": self._results.values(),
            "metrics": self._first(self._strategy.run(self._results.gather)),
        }

    def _evaluate(
        self, take: Callable[..., Batch], held: Any, iterator: Any, steps: tf.Tensor, stopping: tf.Tensor
    ) -> Ran:

        def step(done: tf.Tensor) -> tuple[tf.Tensor]:
            self._strategy.run(self._evaluate_step, (take, held, next(iterator)))
            return (done + 1,)

        begin = _now()
        tf.while_loop(lambda done: done < steps, step, (tf.constant(0),))
        results = self._results.values()
        with tf.control_dependencies(list(results.values())):
            seconds = tf.cast(_now() - begin, tf.float32)
        seconds, stopping = self._first(self._strategy.run(_mean_over_replicas, ((seconds, stopping),)))
        return {"seconds": seconds, "stopping": stopping, "results": results}

    def _first(self, values: Any) -> Any:
        """Returns one replica's of some values that all replicas share."""
        return tf.nest.map_structure(lambda value: self._strategy.experimental_local_results(value)[0], values)


def _now() -> tf.Tensor:
    """Returns the time in seconds, float64; TensorFlow's own clock is refused where all must be deterministic."""
    if not hardware.is_deterministic():
        return tf.timestamp()
    return tf.ensure_shape(tf.numpy_function(time.perf_counter, [], tf.float64), ())


def _mean_over_replicas(values: Any) -> Any:
    own = tf.nest.map_structure(tf.identity, values)  # on the replica's device, which the exchange asks for
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, own)
