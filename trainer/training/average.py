"""Averaged weights: the optimizer keeps the average, which is validated and exported in place of the last weights."""

import contextlib
from collections.abc import Iterator

import keras


def take(model: keras.Model) -> None:
    """Gives a model the average of its weights, where its optimizer has one."""
    for variable, average in _averages(model):
        variable.assign(average)


@contextlib.contextmanager
def taken(model: keras.Model) -> Iterator[None]:
    """Gives a model the average of its weights while the block runs, and afterwards its own weights again."""
    own = [variable.numpy() for variable, _ in _averages(model)]
    take(model)
    try:
        yield
    finally:
        for (variable, _), value in zip(_averages(model), own, strict=True):
            variable.assign(value)


def _averages(model: keras.Model) -> list[tuple[keras.Variable, keras.Variable]]:
    """Returns the variables that learn, each with its average; none before the first step."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of one that scales the loss
    if not optimizer.use_ema or not int(optimizer.iterations):
        return []
    return list(zip(model.trainable_variables, optimizer._model_variables_moving_average, strict=True))
