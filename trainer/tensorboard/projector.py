"""The files that TensorBoard's projector reads."""

from pathlib import Path

import numpy as np

from trainer.errors import one_line
from trainer.insight.observer import Examples
from trainer.tensorboard import summaries
from trainer.tensorboard.draw import results
from trainer.tensorboard.scaling import scale_of

_MOST_POINTS = 1000  # which a browser still turns smoothly
_SPRITE = 32  # pixels; the sheet of all points may have 8,192 in all


def write(folder: Path, examples: Examples, probabilities: np.ndarray, hidden: np.ndarray) -> None:
    """Writes the last hidden values of examples as points, with their classes and pictures; the configuration last.

    Args:
      folder: of TensorBoard's run.
      examples: at least as many as points.
      probabilities: of each class, `(count, classes)`.
      hidden: the points, `(count, units)`.
    """
    points = hidden[:_MOST_POINTS]
    rows = ["label\tpredicted"]
    for label, probability in zip(examples.labels[: len(points)], probabilities[: len(points)], strict=True):
        names = (examples.classes[label], examples.classes[int(probability.argmax())])
        rows.append("\t".join(map(one_line, names)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "embedding.tsv").write_text("".join("\t".join(f"{v:.5g}" for v in row) + "\n" for row in points))
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    sheet = results.sprite(examples.samples[: len(points)], _SPRITE, scale_of(examples))
    (folder / "sprite.png").write_bytes(summaries.png(sheet))
    text = summaries.projector_config("embedding.tsv", "labels.tsv", "sprite.png", _SPRITE)
    (folder / "projector_config.pbtxt").write_text(text)
