"""The worst mistakes on the test samples, at the end of a run."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight.observer import Examples
from trainer.tensorboard import facts, summaries
from trainer.tensorboard.decisions import prediction
from trainer.tensorboard.draw import results, sheets, text
from trainer.tensorboard.scaling import scale_of

MOST = 2000  # samples that are classified

_SHOWN = 12
_IN_CAPTION = 64  # pixels of a class's name


def worst(examples: Examples, probabilities: np.ndarray, count: int) -> Iterator[Summary]:
    """Yields a picture of the mistakes with the highest probabilities, and a fact for the report.

    Args:
      examples: test samples.
      probabilities: of their classes, `(count, classes)`.
      count: the number of all test samples.
    """
    labels, predicted = examples.labels, probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != labels)
    chosen = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:_SHOWN]
    rows: list[list[Any]] = [
        [int(labels[one]), int(predicted[one]), float(probabilities[one, predicted[one]])] for one in chosen
    ]
    yield summaries.facts(facts.TEST, {"mistakes": rows, "classified": len(labels)})
    if len(chosen):
        names = [text.isolated(examples.classes[labels[one]], _IN_CAPTION) for one in chosen]
        captions = [
            f"{name} as {prediction(examples, probabilities, int(one), _IN_CAPTION)}"
            for name, one in zip(names, chosen, strict=True)
        ]
        of = f"{len(labels)}" if len(labels) == count else f"the first {len(labels)} of {count}"
        title = f"the worst {len(chosen)} of {len(wrong)} mistakes on {of} test {examples.noun}s"
        picture = results.mistakes(examples.samples[chosen], captions, title, scale_of(examples))
        yield summaries.image("results/worst_test_mistakes", sheets.shown(picture))
