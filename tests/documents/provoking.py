"""How a message is provoked: what a person sees on the screen, made by the real code."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer import task
from trainer.errors import StorageError, UsageError

Provocation = Callable[[Path], str]

_PREFIXES = ("trainer: ", "trainer.predict: ", "trainer.serve: ")


def printed(call: Callable[[], int]) -> str:
    """Returns the line that a program writes to standard error, without its name before it."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        assert call() == 2
    (line,) = error.getvalue().splitlines()
    return next(line.removeprefix(prefix) for prefix in _PREFIXES if line.startswith(prefix))


def raised(call: Callable[[], object]) -> str:
    with pytest.raises((UsageError, StorageError)) as error:
        call()
    return str(error.value)


def of_a_run(*arguments: str, **variables: str) -> Provocation:
    return lambda folder: printed(
        lambda: task.main([argument.format(folder=folder) for argument in arguments], variables)
    )
