"""The trained model as files that others load.

model.keras                        for Keras
saved_model.pb, variables/, …      for TensorFlow, at the top: where Vertex AI's own containers look for it
README.md, model.json              the card; the last, so that where it is, all the others are
"""

import contextlib
import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from trainer.data.kinds.image.decode import decode
from trainer.errors import UsageError
from trainer.objectives import scores
from trainer.serving import card, signature
from trainer.serving.card import Card, File

KERAS = "model.keras"
_GRAPH = "saved_model.pb"
_PARTIAL = ".partial.saved_model"


@dataclasses.dataclass(frozen=True)
class About:
    """What the card says of a model that the model does not know itself.

    Attributes:
      classes: their names.
      images: how many there were, by part.
      confusion: how many test samples of each class are classified as each, `(classes, classes)`.
      accuracy: on the test samples.
      record: how it was trained, as `hparams.json` has it.
    """

    classes: Sequence[str]
    images: Mapping[str, int]
    confusion: scores.Counts
    accuracy: float
    record: Mapping[str, Any]


def save(model: keras.Model, folder: Path, about: About) -> Path:
    """Writes the model in all its forms, without the optimizer, and its card; returns the path of `model.keras`.

    That takes raw pixel values, 0 to 255, and gives logits; `keras.models.load_model` reads it once `trainer.layers` is
    imported. The SavedModel is said in `trainer.serving.signature`. A reader finds each form whole or not at all.
    """
    trained = type(model).from_config(model.get_config())  # a clone would bring the optimizer's 12 MB along
    trained.set_weights(model.get_weights())
    (folder / card.JSON).unlink(missing_ok=True)
    _save_keras(trained, folder)
    names = [KERAS, *_save_graph(trained, about.classes, folder)]
    said = Card(
        classes=about.classes,
        input_shape=trained.input_shape[1:],
        images=about.images,
        accuracy=about.accuracy,
        scores=scores.per_class(about.confusion, about.classes),
        record=about.record,
        files=[File.of(folder, name) for name in names],
    )
    _write(folder / card.README, said.text())
    _write(folder / card.JSON, said.json())
    return folder / KERAS


def is_whole(folder: Path) -> bool:
    """Returns whether a folder holds all that `save` writes."""
    try:
        files = card.files(card.read(folder))
        return (folder / card.README).exists() and all((folder / one.name).stat().st_size == one.size for one in files)
    except (UsageError, OSError):
        return False


def _save_keras(model: keras.Model, folder: Path) -> None:
    partial = folder / ".partial.keras"
    model.save(partial)
    partial.replace(folder / KERAS)


def _save_graph(model: keras.Model, classes: Sequence[str], folder: Path) -> list[str]:
    """Writes the SavedModel, and returns the names of its files.

    Its graph is the last to get its name, and the first to lose it: a SavedModel without one is none.
    """
    partial = folder / _PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    signature.write(model, classes, decode, partial)
    with contextlib.suppress(OSError):
        (partial / "assets").rmdir()  # empty, which no bucket has
    names = sorted(path.relative_to(partial).as_posix() for path in partial.rglob("*") if path.is_file())
    (folder / _GRAPH).unlink(missing_ok=True)
    for entry in sorted(partial.iterdir(), key=lambda path: path.name == _GRAPH):
        target = folder / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)
    partial.rmdir()
    return names


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
