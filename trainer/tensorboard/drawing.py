"""The summaries that explain a network: during training and at its end."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight.attribution import Explainer
from trainer.insight.observer import Examples, Look, Observer
from trainer.insight.sanity import sanity
from trainer.tensorboard import facts, summaries
from trainer.tensorboard.draw import results, sheets, text
from trainer.tensorboard.draw.augmentation import augmentation
from trainer.tensorboard.draw.decides import what_decides
from trainer.tensorboard.draw.kernels import filters
from trainer.tensorboard.draw.maps import feature_maps
from trainer.tensorboard.draw.slices import Place, most_active
from trainer.tensorboard.draw.templates import templates
from trainer.tensorboard.scaling import scale_of

_MOST_MISTAKES = 20
_MOST_CLASSES, _EACH = 10, 3  # of the overview of the data
_STEPS, _MOST_STEPS = 16, 512  # of integrated gradients
_WORK = 120_000_000_000  # multiply-adds of one method, forwards: more than the default network needs; 2 s on two cores
_FEWEST_PROBES = 3
_BOXES = {1: (32, 24, 16), 2: (5, 4, 3), 3: (5, 4, 3)}  # by rank, along each axis: the largest box
# By rank, along each axis: about as many as can be distinguished in the picture.
_CELLS, _MOST_CELLS = {1: 80, 2: 40, 3: 20}, {1: 128, 2: 64, 3: 32}
_VOLUMES = 5  # axes of several volumes
_IN_TITLE, _IN_CAPTION = 120, 64  # pixels of a class's name


def moment(observer: Observer, look: Look, former: Mapping[str, np.ndarray]) -> Iterator[Summary]:
    """Yields the current state of the network: filters, feature maps, dead filters, changes, histograms.

    Args:
      observer: of the network.
      look: the observation.
      former: each convolution's kernels at the previous observation; empty at the first.
    """
    dead, scale = look.dead(), scale_of(observer.examples)
    for index, (name, kernel) in enumerate(look.kernels.items()):
        yield _image(f"filters/{name}", filters(kernel, name, is_first=index == 0))
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
        title = f"{article} {scale.noun} of class {text.isolated(label, _IN_TITLE)}"
        picture = feature_maps(examples.samples[probe], maps, dead, title, scale)
        yield _image(f"feature_maps/{label}", picture)
    for kind, values in (("weights", look.weights), ("gradients", look.gradients), ("activations", look.activations)):
        for name, value in values.items():
            yield summaries.histogram(f"{kind}/{name}", value)


def overview(examples: Examples) -> Summary:
    """Returns a picture of the first samples of each class, of at most ten classes."""
    chosen = [index for label in range(_MOST_CLASSES) for index in np.flatnonzero(examples.labels == label)[:_EACH]]
    captions = [text.isolated(examples.classes[examples.labels[index]], _IN_CAPTION) for index in chosen]
    title = f"validation {examples.noun}s, {_EACH} of each class"
    if len(examples.classes) > _MOST_CLASSES:
        title += f"; the first {_MOST_CLASSES} of {len(examples.classes)} classes"
    return _image("data/samples", results.mistakes(examples.samples[chosen], captions, title, scale_of(examples)))


def conclusion(observer: Observer, probabilities: np.ndarray) -> Iterator[Summary]:
    """Yields attributions of the trained network's predictions, and its mistakes.

    Args:
      observer: of the network.
      probabilities: of the first examples, `(count, classes)`, as `classify` returns them.
    """
    explainer = Explainer(observer.model)
    yield from _decisions(observer, explainer, probabilities)
    yield from _results(observer.examples, explainer, probabilities)


def _decisions(observer: Observer, explainer: Explainer, probabilities: np.ndarray) -> Iterator[Summary]:
    """Yields attributions of the probes; of a large network for fewer of them, in fewer passes."""
    examples, scale = observer.examples, scale_of(observer.examples)
    probes = observer.probes[: max(_FEWEST_PROBES, _WORK // (_STEPS // 2 * explainer.cost))]
    explained, labels = examples.samples[probes], examples.labels[probes]
    passes = max(_STEPS // 2, _WORK // (explainer.cost * len(probes)))
    named: dict[str, np.ndarray] = {}
    if explainer.layer:
        named["Grad-CAM"] = explainer.grad_cam(explained, labels)
    blank = _blank(examples)
    gradients, residuals = explainer.integrated_gradients(
        explained, labels, blank, steps=min(_STEPS, passes), most_steps=min(_MOST_STEPS, passes)
    )
    named["integrated gradients"] = in_cells(gradients.sum(-1))
    size = box(explained.shape[1:-1], 2 * passes)
    named["occlusion"] = explainer.occlusion(explained, labels, size=size, stride=size, fill=blank)
    for index, probe in enumerate(probes):
        true = examples.classes[labels[index]]
        name, prediction = text.isolated(true, _IN_TITLE), _prediction(examples, probabilities, probe, _IN_TITLE)
        title = f"true {name}; predicted {prediction}; evidence for {name}"
        maps = {method: values[index] for method, values in named.items()}
        yield _image(f"what_decides/{true}", what_decides(explained[index], maps, title, scale))
    yield summaries.scalar("attribution/completeness_residual", residuals.max())
    draws = 2 if passes >= _STEPS else 1
    health = sanity(explainer, explained, labels, named.get("Grad-CAM"), gradients, baseline=blank, draws=draws)
    for name, correlation in health.items():
        yield summaries.scalar(f"attribution/sanity_{name}", correlation)


def _image(tag: str, picture: np.ndarray) -> Summary:
    return summaries.image(tag, sheets.shown(picture))


def _blank(examples: Examples) -> np.ndarray:
    """Returns the neutral value of each channel: black, silence, or its mean if it has no bounds."""
    form = examples.form
    return np.array(form.centre or [min(max(0.0, form.low), form.high)] * form.channels, np.float32)


def box(sizes: Sequence[int], most: int) -> tuple[int, ...]:
    """Returns a box size with which about `most` boxes or fewer cover a sample; square for an image."""
    rank = len(sizes)
    each = next((each for each in _BOXES[rank] if each**rank <= most), _BOXES[rank][-1])
    whole = (min(sizes),) * rank if rank == 2 else sizes
    return tuple(max(min(2, size), round(size / each)) for size in whole)


def in_cells(attributions: np.ndarray) -> np.ndarray:
    """Returns attributions `(batch, *spatial)` summed in cells if an axis is much longer than the number of cells.

    Attributions of neighbouring positions vary in sign, and single ones are too small to be seen.
    """
    rank = attributions.ndim - 1
    for axis, length in enumerate(attributions.shape[1:], 1):
        if length > _MOST_CELLS[rank]:
            cell = -(-length // _CELLS[rank])
            sums = np.add.reduceat(attributions, range(0, length, cell), axis)
            attributions = sums.repeat(cell, axis).take(range(length), axis)
    return attributions


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
            f"{_prediction(examples, probabilities, index, _IN_CAPTION)}"
            for index in worst
        ]
        title = f"the worst {len(worst)} of {len(wrong)} mistakes on {len(labels)} validation {examples.noun}s"
        places = _places(explainer, examples.samples[worst], predicted[worst], _blank(examples))
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
    steps = max(1, min(_STEPS, _WORK // (explainer.cost * len(samples))))
    gradients, _ = explainer.integrated_gradients(samples, classes, blank, steps=steps, most_steps=steps)
    return [most_active(in_boxes(np.abs(one))) for one in np.nan_to_num(gradients.sum(-1))]


def in_boxes(attributions: np.ndarray) -> np.ndarray:
    """Returns at each position the sum of attributions, `(*spatial)`, in a box of a fifth of each axis about it."""
    for axis, length in enumerate(attributions.shape):
        reach = max(1, length // _BOXES[3][0] // 2)
        edges = [(0, 0)] * axis + [(reach + 1, reach)] + [(0, 0)] * (attributions.ndim - axis - 1)
        sums = np.cumsum(np.pad(attributions, edges), axis, np.float64)
        upper, lower = (sums.take(range(first, first + length), axis) for first in (2 * reach + 1, 0))
        attributions = upper - lower
    return attributions


def _prediction(examples: Examples, probabilities: np.ndarray, index: int, most: int) -> str:
    """Returns the predicted class of an example and its probability; `?` if it was not classified.

    The class's name is cut to so many pixels.
    """
    if index >= len(probabilities):
        return "?"
    predicted = int(probabilities[index].argmax())
    return f"{text.isolated(examples.classes[predicted], most)}, {probabilities[index, predicted]:.0%}"
