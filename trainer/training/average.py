"""Averaged weights: the optimizer keeps the average, which is validated and exported in place of the last weights."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np


class Average:
    """The average of a model's weights, if its optimizer has one, and the weights that it learns with.

    Args:
      model: compiled; also again with another optimizer.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self._own: dict[int, np.ndarray] = {}  # of the variables that have their average

    def take(self) -> None:
        """Gives the model the average of its weights."""
        for variable, average in self._averages():
            variable.assign(average)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Gives the model the average of its weights while the block runs, and afterwards its own weights again."""
        averages = self._averages()
        self._own = {id(variable): variable.numpy() for variable, _ in averages}
        self.take()
        try:
            yield
        finally:
            for variable, _ in averages:
                variable.assign(self._own[id(variable)])
            self._own = {}

    def own(self, variable: keras.Variable) -> np.ndarray:
        """Returns the value that a variable learns with, in the block of `taken` too."""
        return self._own[id(variable)] if id(variable) in self._own else np.asarray(variable.numpy())

    def _averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """Returns the variables that learn, each with its average; none before the first step."""
        optimizer = getattr(self._model.optimizer, "inner_optimizer", self._model.optimizer)  # of a scaled loss
        if not optimizer.use_ema or not int(optimizer.iterations.numpy()):
            return []
        return list(zip(self._model.trainable_variables, optimizer._model_variables_moving_average, strict=True))
