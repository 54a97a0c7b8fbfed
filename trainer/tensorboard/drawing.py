"""Which summaries make a network understood: at one moment of the training, and at its end."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight.attribution import Explainer
from trainer.insight.observer import Look, Observer
from trainer.tensorboard import summaries
from trainer.tensorboard.draw import images, sheets
from trainer.tensorboard.draw.sheets import Picture

_MOST_MISTAKES = 20
_MOST_POINTS = 1000  # in the projector, which a browser still turns smoothly
_SPRITE = 32  # pixels; the sheet of all points may have 8,192 in all


def moment(observer: Observer, look: Look, former: Mapping[str, np.ndarray]) -> Iterator[Summary]:
    """Yields what the network is like now: filters, feature maps, dead filters, changes, histograms.

    Args:
      observer: what was looked with.
      look: what was seen.
      former: each convolution's kernels at the last moment; empty at the first.
    """
    dead = look.dead()
    for index, (name, kernel) in enumerate(look.kernels.items()):
        yield summaries.image(f"filters/{name}", images.filters(kernel, name, is_first=index == 0))
        yield summaries.scalar(f"dead_filters/{name}", dead[name].mean())
    for name, change in look.changes(dict(former)).items():
        yield summaries.scalar(f"filter_change/{name}", change)
    examples = observer.examples
    if examples.changes and not former:
        yield summaries.image("augmentation", _augmentation(*examples.changes))
    for place, probe in enumerate(observer.probes):
        label = examples.classes[examples.labels[probe]]
        maps = {name: output[place] for name, output in look.maps.items()}
        picture = images.feature_maps(examples.images[probe], maps, dead, f"an image of class {label}")
        yield summaries.image(f"feature_maps/{label}", picture)
    for kind, values in (("weights", look.weights), ("gradients", look.gradients), ("activations", look.activations)):
        for name, value in values.items():
            yield summaries.histogram(f"{kind}/{name}", value)


def _augmentation(before: np.ndarray, after: np.ndarray) -> Picture:
    """Returns training images in pairs: as they are, and as the network sees them."""
    pairs = [
        np.concatenate([sheets.enlarged(images.as_colours(image), 84) for image in pair], axis=1)
        for pair in zip(before, after, strict=True)
    ]
    sheet = sheets.grid(pairs, [""] * len(pairs), columns=2)
    return sheets.titled(sheet, "training images, and beside each what the network sees")


def conclusion(observer: Observer, folder: Path) -> Iterator[Summary]:
    """Yields what the trained network goes by and what it mistakes; writes the projector's files to a folder."""
    probabilities, hidden = observer.classify()
    yield from _decisions(observer, probabilities)
    yield from _results(observer, probabilities)
    _project(observer, probabilities, hidden, folder)


def _decisions(observer: Observer, probabilities: np.ndarray) -> Iterator[Summary]:
    examples = observer.examples
    explained, labels = examples.images[observer.probes], examples.labels[observer.probes]
    explainer = Explainer(observer.model)
    cams = explainer.grad_cam(explained, labels)
    gradients, residuals = explainer.integrated_gradients(explained, labels, steps=16)
    size = max(2, round(min(explained.shape[1:3]) / 5))
    falls = explainer.occlusion(explained, labels, size=size, stride=size)
    for place, probe in enumerate(observer.probes):
        maps = {"Grad-CAM": cams[place], "integrated gradients": gradients[place].sum(-1), "occlusion": falls[place]}
        true = examples.classes[labels[place]]
        title = f"true {true}; predicted {_said(observer, probabilities, probe)}; what speaks for {true}"
        yield summaries.image(f"what_decides/{true}", images.what_decides(explained[place], maps, title))
    yield summaries.scalar("attribution/completeness_residual", residuals.max())
    for name, correlation in explainer.sanity(explained, labels, cams, gradients).items():
        yield summaries.scalar(f"attribution/sanity_{name}", correlation)


def _results(observer: Observer, probabilities: np.ndarray) -> Iterator[Summary]:
    classes, labels = observer.examples.classes, observer.examples.labels[: len(probabilities)]
    predicted = probabilities.argmax(1)
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, predicted), 1)
    yield summaries.image("results/confusion_matrix", images.confusion_matrix(counts, classes))
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:_MOST_MISTAKES]
    if len(worst):
        captions = [f"{classes[labels[index]]} as {_said(observer, probabilities, index)}" for index in worst]
        title = f"the worst {len(worst)} of {len(wrong)} mistakes on {len(labels)} validation images"
        yield summaries.image(
            "results/worst_mistakes", images.mistakes(observer.examples.images[worst], captions, title)
        )
    for index, name in enumerate(classes):
        yield summaries.pr_curve(f"pr_curve/{name}", labels == index, probabilities[:, index])


def _said(observer: Observer, probabilities: np.ndarray, index: int) -> str:
    predicted = int(probabilities[index].argmax()) if index < len(probabilities) else None
    if predicted is None:
        return "?"
    return f"{observer.examples.classes[predicted]}, {probabilities[index, predicted]:.0%}"


def _project(observer: Observer, probabilities: np.ndarray, hidden: np.ndarray, folder: Path) -> None:
    """Writes the last hidden layer's values of validation images for the projector, its configuration last."""
    examples, points = observer.examples, hidden[:_MOST_POINTS]
    rows = ["label\tpredicted"]
    for label, probability in zip(examples.labels[: len(points)], probabilities[: len(points)], strict=True):
        rows.append(f"{examples.classes[label]}\t{examples.classes[int(probability.argmax())]}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "embedding.tsv").write_text("".join("\t".join(f"{v:.5g}" for v in row) + "\n" for row in points))
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n")
    sheet = images.sprite(examples.images[: len(points)], _SPRITE)
    (folder / "sprite.png").write_bytes(summaries.png(sheet))
    text = summaries.projector_config("embedding.tsv", "labels.tsv", "sprite.png", _SPRITE)
    (folder / "projector_config.pbtxt").write_text(text)
