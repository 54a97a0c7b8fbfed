"""The steps of a stage, from whatever gives them their batches."""

from typing import Any

import tensorflow as tf

from trainer.training.feed import Feed
from trainer.training.program import Program
from trainer.training.step import Step
from trainer.training.steps import Ran, Steps


class Graphs:
    """Runs the steps from a pipeline, or where XLA compiles them and the batches are numbered, without one.

    Args:
      step: what is run.
    """

    def __init__(self, step: Step):
        self._steps, self._program = Steps(step), Program(step) if step.is_compiled else None

    def is_whole(self, feed: Feed) -> bool:
        """Returns whether a call needs no pipeline."""
        return self._program is not None and feed.numbered is not None

    def train(self, feed: Feed, iterator: Any, first: int, steps: int, *, loss: tf.Tensor, stopping: tf.Tensor) -> Ran:
        """Runs some steps; the first one's batch has the number `first`, and is the next that the iterator gives."""
        if self._program and feed.numbered:
            return self._program.train(feed, first, steps, loss=loss, stopping=stopping)
        ran: Ran = self._steps.train(feed.take, feed.held, iterator, tf.constant(steps), loss=loss, stopping=stopping)
        return ran

    def evaluate(self, feed: Feed, iterator: Any, steps: int, stopping: tf.Tensor) -> Ran:
        """Evaluates some batches; without a pipeline, all of them."""
        if self._program and feed.numbered:
            return self._program.evaluate(feed, stopping)
        ran: Ran = self._steps.evaluate(feed.take, feed.held, iterator, tf.constant(steps), stopping)
        return ran
