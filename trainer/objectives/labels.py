"""Several labels for each sample: the outputs are logits, `(batch, labels)`, the targets 0 and 1 of that shape."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.errors import one_line
from trainer.hparams import LABELS
from trainer.objectives import binned_ranking
from trainer.objectives.binned_ranking import F1, AveragePrecision, Ranking
from trainer.objectives.objective import Objective
from trainer.objectives.outputs import Answer, Measured, Outputs, Values

_NONE = "–"
_THRESHOLD = 0.5


def objective(names: Sequence[str], weights: npt.ArrayLike | None = None) -> Objective:
    """Returns the objective of several labels: sigmoid cross-entropy, mean average precision, F1, and thresholds.

    Args:
      names: of the labels.
      weights: in the loss, of each label's absence and presence, `(2, labels)`; None if all are 1.
    """
    count = len(names)
    return Objective(
        outputs=count,
        loss=SigmoidCrossentropy(np.ones((2, count)) if weights is None else weights),
        metrics=lambda: [AveragePrecision(count), F1(count)],
        results=lambda: [Ranking(count)],
        meaning=lambda found: Labels.chosen(names, found),
        needs_validation=True,
        measured=_measured,
    )


def label_weights(targets: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns the weights of each label's absence and presence, `(2, labels)`, so that both add up to half.

    A label that no sample has, or that all have, keeps weights of 1. Source: the balanced weights of G. King, L. Zeng,
    "Logistic Regression in Rare Events Data", 2001, for each label by itself.
    """
    present = targets.sum(0)
    counts = np.stack([len(targets) - present, present])
    weights = np.divide(len(targets), 2 * counts, out=np.ones(counts.shape), where=(counts > 0).all(0))
    return np.asarray(weights, np.float32)


@keras.saving.register_keras_serializable("trainer")
class SigmoidCrossentropy(keras.losses.Loss):
    """The mean over the labels of the sigmoid cross-entropy of logits with targets.

    Args:
      weights: of each label's absence and presence, `(2, labels)`.
    """

    def __init__(self, weights: npt.ArrayLike):
        super().__init__(name="sigmoid_crossentropy")
        self._weights = tf.constant(weights, tf.float32)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each sample, `(batch,)`."""
        targets = tf.cast(y_true, y_pred.dtype)
        absent, present = tf.unstack(tf.cast(self._weights, y_pred.dtype))
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, y_pred)
        return tf.reduce_mean(losses * (targets * present + (1 - targets) * absent), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"weights": self._weights.numpy().tolist()}


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels of a network.

    Attributes:
      names: of the labels.
      thresholds: the probability from which a sample has the label, one for each.
    """

    names: Sequence[str]
    thresholds: Sequence[float]
    target: str = LABELS
    activation: str = "sigmoid"

    @classmethod
    def chosen(cls, names: Sequence[str], found: Mapping[str, npt.NDArray[Any]]) -> "Labels":
        """Returns the labels with the thresholds of the highest F1 on validation samples; 0.5 without any."""
        counts = found.get(binned_ranking.NAME)
        none = [_THRESHOLD] * len(names)
        return cls(names, none if counts is None else binned_ranking.thresholds(counts, _THRESHOLD))

    @classmethod
    def read(cls, content: Mapping[str, Any], names: Sequence[str]) -> "Labels":
        """Returns the labels of a `model.json`."""
        return cls(names, [float(one) for one in content["thresholds"]])

    def content(self) -> dict[str, Any]:
        return {"name": self.target, "thresholds": list(self.thresholds)}

    def link(self, outputs: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(tf.cast(outputs, tf.float32))

    def signature(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = self.link(outputs)
        return {"probabilities": probabilities, "labels": probabilities >= tf.constant(self.thresholds, tf.float32)}

    def answers(self, found: Mapping[str, npt.NDArray[Any]]) -> list[Answer]:
        return [self._answer(one) for one in found["probabilities"]]

    def named(self, outputs: Values) -> list[Answer]:
        return [self._answer(one) for one in self.link(tf.constant(outputs)).numpy()]

    def fields(self, answer: Answer, top: int) -> list[str]:
        return [f"{one_line(name)}\t{share:.4f}" for name, share in self._present(answer)] or ["no label"]

    def record(self, answer: Answer, top: int) -> dict[str, Any]:
        best = (-answer.probabilities).argsort(kind="stable")[:top]
        ranked = [{"label": self.names[index], "probability": float(answer.probabilities[index])} for index in best]
        return {"labels": [name for name, _ in self._present(answer)], "top": ranked}

    def prediction(self, answer: Answer) -> dict[str, Any]:
        return {
            "labels": [name for name, _ in self._present(answer)],
            "probabilities": answer.probabilities.tolist(),
        }

    def caption(self, answer: Answer) -> str:
        return ", ".join(f"{name}, {share:.0%}" for name, share in self._present(answer)) or "no label"

    def _present(self, answer: Answer) -> list[tuple[str, float]]:
        pairs = zip(self.names, answer.probabilities, self.thresholds, strict=True)
        return [(name, float(share)) for name, share, least in pairs if share >= np.float32(least)]

    def _answer(self, probabilities: Values) -> Answer:
        answer = Answer("", float(probabilities.max()), probabilities)
        return dataclasses.replace(answer, name=";".join(name for name, _ in self._present(answer)))


def _measured(results: Mapping[str, npt.NDArray[Any]], outputs: Outputs) -> Measured:
    thresholds = outputs.content()["thresholds"]
    found = binned_ranking.scores(results[binned_ranking.NAME], thresholds)
    precision, f1 = _mean([one.average_precision for one in found]), _mean([one.f1 for one in found])
    scores = [
        {"name": name, **dataclasses.asdict(one), "threshold": threshold}
        for name, one, threshold in zip(outputs.names, found, thresholds, strict=True)
    ]
    return Measured(
        content={"average_precision": precision, "f1": f1, "scores": json.loads(json.dumps(scores))},
        summary=f"test mean average precision {_shown(precision)}, F1 {_shown(f1)}",
        title=f"A model of several labels a sample: {len(outputs.names)} labels",
        heading="Labels",
        lines=[
            f"Mean average precision: {_shown(precision)}. Mean F1: {_shown(f1)}, with thresholds that were chosen on",
            "the validation samples.",
        ],
        columns=["average precision", "threshold", "precision", "recall", "F1", "test samples with it"],
        rows=[
            [
                name,
                _shown(one.average_precision),
                f"{threshold:.3f}",
                *map(_shown, (one.precision, one.recall, one.f1)),
                f"{one.support:,}",
            ]
            for name, one, threshold in zip(outputs.names, found, thresholds, strict=True)
        ],
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _shown(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"
