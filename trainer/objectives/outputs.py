"""What the outputs of a network mean, for all that answers with them: names, link, words; kept in `model.json`."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Values = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a network says of one sample.

    Attributes:
      name: the most probable class; the labels, separated by `;`; or the first number's name.
      probability: of the class, or of the most probable label; of numbers the first number.
      probabilities: of all classes or labels; of numbers the numbers: float32 `(outputs,)`.
    """

    name: str
    probability: float
    probabilities: Values


@dataclasses.dataclass(frozen=True)
class Measured:
    """What samples that it was not trained on say of a network.

    Attributes:
      content: numbers by name, as `model.json` has them.
      summary: one line for a terminal.
      title: of the card.
      heading: of the card's part with the result.
      lines: of that part.
      columns: of its table.
      rows: of its table: a name, then numbers as text.
      part: which samples these are: test, or held-out in a cross-validation.
    """

    content: Mapping[str, Any]
    summary: str
    title: str
    heading: str
    lines: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    part: str = "test"


class Outputs(Protocol):
    """The outputs of a network: classes, labels or numbers."""

    @property
    def target(self) -> str:
        """One of classes, labels, numbers."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the outputs, in their order."""

    @property
    def activation(self) -> str:
        """What turns the outputs into predictions: softmax, sigmoid or linear."""

    def content(self) -> dict[str, Any]:
        """Returns what `model.json` keeps under `target`, JSON types."""

    def link(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns probabilities of logits, `(batch, outputs)`; numbers as they are."""

    def signature(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns what a SavedModel answers, by name."""

    def answers(self, found: Mapping[str, npt.NDArray[Any]]) -> list[Answer]:
        """Returns the answers of what `signature` returned."""

    def named(self, outputs: Values) -> list[Answer]:
        """Returns the answers that logits or numbers, `(batch, outputs)`, mean."""

    def fields(self, answer: Answer, top: int) -> list[str]:
        """Returns the fields of a line for a person.

        Args:
          answer: to show.
          top: how many classes.
        """

    def record(self, answer: Answer, top: int) -> dict[str, Any]:
        """Returns the same as JSON types."""

    def prediction(self, answer: Answer) -> dict[str, Any]:
        """Returns the prediction of a prediction container, JSON types."""

    def caption(self, answer: Answer) -> str:
        """Returns the answer in a few words, for a picture's title."""


def explained(answer: Answer) -> int:
    """Returns the index of the output that is explained: the most probable one, or the first number."""
    return int(answer.probabilities.argmax())
