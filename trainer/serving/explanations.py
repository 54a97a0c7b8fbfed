"""An exported model that explains its answers: what each position of a sample says for the most probable class."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.insight import explained
from trainer.insight.attribution import Explainer
from trainer.serving import card
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor, Values


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The explanation of one answer.

    Attributes:
      answer: what it explains.
      index: of the explained class, the most probable one.
      values: the sample, `(*spatial, channels)`.
      map: attributions to the class's logit, `(*spatial)`.
      logit: of the class for the sample.
      baseline: the same for a sample without information: black, silence, or each channel's mean.
      error: of the sum of the attributions, which should be the difference of both; relative to it. None if the method
        has no such sum.
    """

    answer: Answer
    index: int
    values: Values
    map: npt.NDArray[np.float32]
    logit: float
    baseline: float
    error: float | None = None


class Explanations:
    """Explains the answers of an exported model, by the method that scored best in its run; else by Grad-CAM.

    It computes with `model.keras`: gradients of a SavedModel would be another graph, which every export would have to
    trace.

    Args:
      predictor: of the model.

    Attributes:
      method: its name in `trainer.insight.explained`.

    Raises:
      UsageError: the model cannot be loaded here, for example because it has layers of a person's own.
    """

    def __init__(self, predictor: Predictor):
        self._predictor, folder, form = predictor, predictor.folder, predictor.form
        self._explainer = Explainer(predictor.model)
        wanted, known = card.method(card.read(folder)), explained.methods(self._explainer)
        self.method = wanted if wanted in known else known[0]
        self._blank = explained.blank(form)
        classes = np.arange(len(predictor.classes))
        nothing = np.broadcast_to(self._blank, (len(classes), *form.shape))
        self._baselines = self._explainer.logits(nothing, classes)  # of each class

    def of(self, samples: Sequence[bytes | Values]) -> list[Explanation | BrokenSampleError]:
        """Returns an explanation for each file's content or raw values, or why there is none."""
        decoded = iter(self._predictor.values_of([one for one in samples if isinstance(one, bytes)]))
        opened = [next(decoded) if isinstance(one, bytes) else one for one in samples]
        values = [one for one in opened if not isinstance(one, BrokenSampleError)]
        found = iter(self.of_values(np.stack(values)) if values else [])
        return [one if isinstance(one, BrokenSampleError) else next(found) for one in opened]

    def of_values(self, samples: npt.NDArray[np.float32]) -> list[Explanation]:
        """Returns an explanation for each sample of `(batch, *spatial, channels)`, raw values."""
        errors: Sequence[Any] = [None] * len(samples)
        if self.method in ("grad_cam", "hires_cam"):
            logits, *both = self._explainer.predicted(samples)
            maps = both[self.method == "hires_cam"]
            answers = self._predictor.named(logits)
            classes = logits.argmax(1)
            outputs = logits.max(1)
        else:
            answers = self._predictor.of_values(samples)
            classes = np.array([one.probabilities.argmax() for one in answers])
            found = explained.explain(self._explainer, self.method, samples, classes, self._blank)
            maps, outputs = found.maps, self._explainer.logits(samples, classes)
            errors = errors if found.residuals is None else found.residuals.tolist()
        rows = zip(answers, classes, samples, maps, outputs, errors, strict=True)
        return [
            Explanation(answer, int(index), sample, one, float(logit), float(self._baselines[index]), error)
            for answer, index, sample, one, logit, error in rows
        ]
