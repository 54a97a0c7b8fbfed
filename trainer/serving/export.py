"""The trained model as files that others load.

model.keras                        for Keras, and for `trainer.predict`, `serve`, `evaluate` and `export`
saved_model.pb, variables/, …      where it is asked for: for TensorFlow alone, at the top, where Vertex AI's own
                                   containers look for it
README.md, model.json              the card; the last, so that where it is, all the others are
"""

import contextlib
import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from trainer import files
from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.errors import UsageError
from trainer.networks import custom
from trainer.objectives.cross_validation.result import CrossValidation
from trainer.objectives.outputs import Measured, Outputs
from trainer.objectives.scores import Counts, confusions, per_class
from trainer.serving import card, signature
from trainer.serving.card import GRAPH, KERAS, Card, File

_REST = ("variables", "assets", "fingerprint.pb")  # of a SavedModel
_MOST_CONFUSIONS = 1000  # all of up to 32 classes
_PARTIAL = ".partial.saved_model"


@dataclasses.dataclass(frozen=True)
class About:
    """What the card says of a model and the model does not hold.

    Attributes:
      outputs: what the outputs mean.
      form: of the samples.
      samples: how many there were, by part.
      confusion: how many test samples of each class were classified as which, `(classes, classes)`: true classes down.
      accuracy: on the test samples; None if there are none, or no classes.
      record: how it was trained, as `hparams.json` has it.
      cross_validation: the result of networks trained like this one on parts of the samples; required if there are no
        test samples.
      explanation: which attributions are the most faithful: `method`, `samples` and `scores`; empty if unknown.
      measured: what the test samples say of labels or numbers; None for classes, or if there are none.
    """

    outputs: Outputs
    form: Form
    samples: Mapping[str, int]
    confusion: Counts
    accuracy: float | None
    record: Mapping[str, Any]
    cross_validation: CrossValidation | None = None
    explanation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    measured: Measured | None = None


def save(model: keras.Model, folder: Path, about: About, *, with_graph: bool = False) -> Path:
    """Writes the model, without the optimizer, and its card; returns the path of `model.keras`.

    That takes raw values and gives logits; `keras.models.load_model` reads it once `trainer.layers` is imported.
    A reader finds it, and the SavedModel, whole or not at all.

    Args:
      model: trained.
      folder: of the model; it exists.
      about: what the card says of it.
      with_graph: whether to write a SavedModel too, which `trainer.serving.signature` describes. It has a second copy
        of the weights, and takes longer to write than all else together. An earlier one is removed in any case.
    """
    with keras.saving.custom_object_scope(custom.objects(model)), custom.recorded():
        # A clone would bring the optimizer's 12 MB along.
        trained = custom.complete(type(model).from_config(model.get_config()))
    trained.set_weights(model.get_weights())
    (folder / card.JSON).unlink(missing_ok=True)
    _save_keras(trained, folder)
    _remove_graph(folder)
    names = [KERAS, *(_save_graph(trained, about, folder) if with_graph else [])]
    folds, confusion, measured = about.cross_validation, about.confusion, about.measured
    if folds and not about.samples["test"]:
        measured = folds.measured
        confusion = confusion if folds.confusion is None else folds.confusion
    described = Card(
        outputs=about.outputs,
        measured=measured,
        form=about.form,
        samples=about.samples,
        accuracy=about.accuracy,
        scores=per_class(confusion, about.outputs.names) if measured is None else (),
        record=about.record,
        cross_validation=folds,
        explanation=about.explanation,
        files=[File.of(folder, name) for name in names],
        confusions=confusions(about.confusion, _MOST_CONFUSIONS),
    )
    files.replace(folder / card.README, described.text())
    files.replace(folder / card.JSON, described.json())
    return folder / KERAS


def is_whole(folder: Path) -> bool:
    """Returns whether a folder holds all that `save` writes."""
    try:
        listed = card.files(card.read(folder))
        return (folder / card.README).exists() and all((folder / one.name).stat().st_size == one.size for one in listed)
    except (UsageError, OSError):
        return False


def has_graph(folder: Path) -> bool:
    """Returns whether a folder holds a SavedModel."""
    return (folder / GRAPH).exists()


def is_deleted(folder: Path) -> bool:
    """Returns whether the model that `save` wrote was deleted from a folder and its card kept."""
    return (folder / card.JSON).is_file() and not any((folder / name).exists() for name in (KERAS, GRAPH))


def _save_keras(model: keras.Model, folder: Path) -> None:
    partial = folder / ".partial.keras"
    model.save(partial)
    partial.replace(folder / KERAS)


def _save_graph(model: keras.Model, about: About, folder: Path) -> list[str]:
    """Writes the SavedModel where none is, and returns the names of its files.

    Its graph is the last to get its name: without one, TensorFlow finds no SavedModel.
    """
    partial = folder / _PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    kind = known.kind_of(about.form)
    signature.write(model, about.outputs, kind.name, kind.exported(about.form), partial)
    with contextlib.suppress(OSError):
        (partial / "assets").rmdir()  # empty, which no bucket has
    names = sorted(path.relative_to(partial).as_posix() for path in partial.rglob("*") if path.is_file())
    for entry in sorted(partial.iterdir(), key=lambda path: path.name == GRAPH):
        entry.replace(folder / entry.name)
    partial.rmdir()
    return names


def _remove_graph(folder: Path) -> None:
    """Removes an earlier SavedModel, whose graph is the first to go."""
    (folder / GRAPH).unlink(missing_ok=True)
    for name in _REST:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
