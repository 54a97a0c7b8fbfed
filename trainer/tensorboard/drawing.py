"""The summaries that explain a network: during training and at its end."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.hparams import LABELS, NUMBERS
from trainer.insight import explained
from trainer.insight.attribution import Explainer
from trainer.insight.explained import STEPS
from trainer.insight.observer import Examples, Look, Observer
from trainer.tensorboard import facts, summaries
from trainer.tensorboard.decisions import IN_TITLE, WORK, Decisions, prediction
from trainer.tensorboard.draw import results, results_of_labels, results_of_numbers, sheets, text
from trainer.tensorboard.draw.augmentation import augmentation
from trainer.tensorboard.draw.exciting import exciting
from trainer.tensorboard.draw.kernels import filters, has_more
from trainer.tensorboard.draw.maps import feature_maps
from trainer.tensorboard.draw.slices import Place, most_active
from trainer.tensorboard.draw.templates import templates
from trainer.tensorboard.learned import learned
from trainer.tensorboard.scaling import scale_of

_MOST_MISTAKES = 20
_MOST_CLASSES, _EACH = 10, 3  # of the overview of the data
_BOXES = 5  # along each axis of a volume
_VOLUMES = 5  # axes of several volumes
_IN_CAPTION = 64  # pixels of a class's name
# Pictures of results, by tag, for targets that are not classes.
_DRAWN = {LABELS: results_of_labels.pictures, NUMBERS: results_of_numbers.pictures}


def moment(observer: Observer, look: Look, former: Mapping[str, np.ndarray]) -> Iterator[Summary]:
    """Yields the current state of the network: filters, feature maps, dead filters, changes, histograms.

    Args:
      observer: of the network.
      look: the observation.
      former: each convolution's kernels at the previous observation; empty at the first.
    """
    dead, scale = look.dead(), scale_of(observer.examples)
    for index, (name, kernel) in enumerate(look.kernels.items()):
        rest = f"filters_all/{name}" if has_more(kernel, is_first=index == 0) else ""
        yield _image(f"filters/{name}", filters(kernel, name, is_first=index == 0, rest=rest))
        if rest:
            yield _image(rest, filters(kernel, name, is_all=True))
    for name, found in observer.excited().items():
        yield _image(f"exciting/{name}", exciting(name, found, scale))
    for name, is_dead in dead.items():
        yield summaries.scalar(f"dead_filters/{name}", is_dead.mean())
    for name, weights in look.templates.items():
        is_last, units = weights.shape[-1] == len(observer.examples.classes), weights.shape[-1]
        captions = [text.isolated(one, _IN_CAPTION) for one in observer.examples.classes] if is_last else None
        yield _image(f"filters/{name}", templates(weights, captions or [*map(str, range(units))], name, scale))
    for name, change in look.changes(dict(former)).items():
        yield summaries.scalar(f"filter_change/{name}", change)
    examples = observer.examples
    if examples.changes and not former:
        yield _image("augmentation", augmentation(*examples.changes, scale))
    for index, probe in enumerate(observer.probes if look.maps else ()):
        label = examples.classes[examples.labels[probe]]
        maps = {name: output[index] for name, output in look.maps.items()}
        article = "an" if scale.noun[:1] in "aeiou" else "a"
        title = f"{article} {scale.noun} of class {text.isolated(label, IN_TITLE)}"
        picture = feature_maps(examples.samples[probe], maps, dead, title, scale)
        yield _image(f"feature_maps/{label}", picture)
    for kind, values in (("weights", look.weights), ("gradients", look.gradients), ("activations", look.activations)):
        for name, value in values.items():
            yield summaries.histogram(f"{kind}/{name}", value)


def overview(examples: Examples) -> Summary:
    """Returns a picture of the first samples of each class, of at most ten classes."""
    chosen = [index for label in range(_MOST_CLASSES) for index in np.flatnonzero(examples.labels == label)[:_EACH]]
    captions = [text.isolated(_target(examples, index), _IN_CAPTION) for index in chosen]
    title = f"validation {examples.noun}s, {_EACH} of each class"
    if examples.observed:
        title = f"validation {examples.noun}s and their {examples.observed.outputs.target}"
    elif len(examples.classes) > _MOST_CLASSES:
        title += f"; the first {_MOST_CLASSES} of {len(examples.classes)} classes"
    return _image("data/samples", results.mistakes(examples.samples[chosen], captions, title, scale_of(examples)))


def _target(examples: Examples, index: int) -> str:
    """Returns the class of an example, or its labels or numbers, for a caption."""
    if examples.observed is None:
        return str(examples.classes[examples.labels[index]])
    row = examples.observed.targets[index]
    if examples.observed.outputs.target == LABELS:
        return ", ".join(name for name, has in zip(examples.classes, row, strict=True) if has) or "no label"
    return ", ".join(f"{value:.4g}" for value in row)


def conclusion(observer: Observer, probabilities: np.ndarray, decisions: Decisions | None = None) -> Iterator[Summary]:
    """Yields attributions of the trained network's predictions, and its mistakes.

    Args:
      observer: of the network.
      probabilities: of the first examples, `(count, classes)`, as `classify` returns them.
      decisions: of the observer; by default new ones.
    """
    decisions = decisions or Decisions(observer)
    yield from decisions.conclude(probabilities)
    examples = observer.examples
    if examples.observed:
        drawn = _DRAWN[examples.observed.outputs.target](examples.observed.targets, probabilities, examples.classes)
        for tag, picture in drawn.items():
            yield _image(tag, picture)
    else:
        yield from _results(examples, decisions.explainer, probabilities)
    yield from learned(observer, decisions.explainer)


def _image(tag: str, picture: np.ndarray) -> Summary:
    return summaries.image(tag, sheets.shown(picture))


def _results(examples: Examples, explainer: Explainer, probabilities: np.ndarray) -> Iterator[Summary]:
    classes, labels = examples.classes, examples.labels[: len(probabilities)]
    predicted = probabilities.argmax(1)
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, predicted), 1)
    yield _image("results/confusion_matrix", results.confusion_matrix(counts, classes))
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:_MOST_MISTAKES]
    yield summaries.facts(facts.VALIDATION, _facts(counts, labels[worst], predicted[worst], probabilities[worst]))
    if len(worst):
        captions = [
            f"{text.isolated(classes[labels[index]], _IN_CAPTION)} as "
            f"{prediction(examples, probabilities, index, _IN_CAPTION)}"
            for index in worst
        ]
        title = f"the worst {len(worst)} of {len(wrong)} mistakes on {len(labels)} validation {examples.noun}s"
        places = _places(explainer, examples.samples[worst], predicted[worst], explained.blank(examples.form))
        picture = results.mistakes(examples.samples[worst], captions, title, scale_of(examples), places)
        yield _image("results/worst_mistakes", picture)
    for index, name in enumerate(classes):
        yield summaries.pr_curve(f"pr_curve/{name}", labels == index, probabilities[:, index])


def _facts(counts: np.ndarray, true: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Returns what the run's report needs: the entries of the confusion matrix, and the worst mistakes."""
    cells = [[int(row), int(column), int(counts[row, column])] for row, column in np.argwhere(counts)]
    sure = probabilities.max(1, initial=0.0)
    mistakes = [[int(one), int(other), float(share)] for one, other, share in zip(true, predicted, sure, strict=True)]
    return {"cells": cells, "mistakes": mistakes}


def _places(explainer: Explainer, samples: np.ndarray, classes: np.ndarray, blank: np.ndarray) -> list[Place]:
    """Returns the position of the strongest attribution in each volume, a box middle; nothing for other ranks."""
    if samples.ndim != _VOLUMES:
        return []
    steps = max(1, min(STEPS, WORK // (explainer.cost * len(samples))))
    gradients, _ = explainer.integrated_gradients(samples, classes, blank, steps=steps, most_steps=steps)
    return [most_active(in_boxes(np.abs(one))) for one in np.nan_to_num(gradients.sum(-1))]


def in_boxes(attributions: np.ndarray) -> np.ndarray:
    """Returns at each position the sum of attributions, `(*spatial)`, in a box of a fifth of each axis about it."""
    for axis, length in enumerate(attributions.shape):
        reach = max(1, length // _BOXES // 2)
        edges = [(0, 0)] * axis + [(reach + 1, reach)] + [(0, 0)] * (attributions.ndim - axis - 1)
        sums = np.cumsum(np.pad(attributions, edges), axis, np.float64)
        upper, lower = (sums.take(range(first, first + length), axis) for first in (2 * reach + 1, 0))
        attributions = upper - lower
    return attributions
