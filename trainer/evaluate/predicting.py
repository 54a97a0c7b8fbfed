"""Predicts samples, file by file."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainer.evaluate.predictions import Part, Predictions
from trainer.evaluate.samples import Samples
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor


def predict(
    stored: Predictions, numbers: Sequence[int], samples: Samples, predictor: Predictor, batch_size: int, *, on: Console
) -> None:
    """Predicts the samples of some files, and writes each file when it is complete; shows the progress.

    Args:
      stored: the files.
      numbers: of the files.
      samples: all samples.
      predictor: the model.
      batch_size: samples per call of the model.
      on: shows the progress.

    Raises:
      UsageError: samples in memory do not suit the model.
      StorageError: a file cannot be written.
    """
    columns = (TextColumn("predicts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    total = sum(last - first for first, last in map(stored.span, numbers))
    with Progress(*columns, console=on, transient=True, disable=not on.is_terminal) as progress:
        task = progress.add_task("", total=total)
        for number in numbers:
            first, last = stored.span(number)
            found: list[Answer | BrokenSampleError] = []
            for start in range(first, last, batch_size):
                batch = samples.answers(predictor, start, min(start + batch_size, last))
                found += batch
                progress.advance(task, len(batch))
            stored.write(number, _part(found, len(predictor.classes)))


def _part(found: Sequence[Answer | BrokenSampleError], count: int) -> Part:
    probabilities = np.full((len(found), count), np.nan, np.float32)
    broken = {}
    for index, one in enumerate(found):
        if isinstance(one, BrokenSampleError):
            broken[index] = str(one)
        else:
            probabilities[index] = one.probabilities
    return Part(probabilities, broken)
