"""An ensemble of exported models: checked, combined to one model, tested, and written with its card."""

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer import data, interval
from trainer.buckets.location import is_remote
from trainer.data.fingerprint import Fingerprint
from trainer.data.kinds import known
from trainer.errors import UsageError
from trainer.files import expanded
from trainer.hparams import HParams
from trainer.networks.ensemble import combined
from trainer.objectives import choice, classes
from trainer.objectives.objective import Arrays, Objective
from trainer.serving import card, export, trained_data
from trainer.serving.folder import local
from trainer.serving.predictor import Predictor

_FEWEST = 2
_RECORDED = ("configuration", "data", "precision", "machine", "versions", "git_revision")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
      models: folders of finished runs or of their models.
      out: the new folder.
      data: where the data are that they were trained on; empty if they have not moved.
      cache_dir: the folder for downloads.
    """

    models: Sequence[str]
    out: str
    data: str
    cache_dir: str


@dataclasses.dataclass(frozen=True)
class _Member:
    """One of the models.

    Attributes:
      name: as on the command line.
      predictor: of the model.
      content: of its `model.json`.
    """

    name: str
    predictor: Predictor
    content: Mapping[str, Any]

    @property
    def configuration(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.content.get("configuration", {})
        return found

    @property
    def result(self) -> str:
        """What its test samples say of it."""
        measured = self.content.get("result")
        return str(measured["summary"]) if measured else f"test accuracy {self.content['accuracy']:.2%}"


def write(asked: Asked, screen: Console, log: Callable[[str], None]) -> list[str]:
    """Writes the ensemble, and returns lines about it.

    Args:
      asked: the command line.
      screen: receives lines about the data.
      log: receives lines about downloads.

    Raises:
      UsageError: a model cannot be read, the models do not fit together, the data are not those that they were trained
        on, or the folder is not new. Nothing is written.
      StorageError: a bucket cannot be read.
    """
    out = _new(asked.out)
    members = [_member(name, asked.cache_dir, log) for name in asked.models]
    _check(members)
    first, outputs = members[0], members[0].predictor.outputs
    dataset = _dataset(first, asked, screen)
    model = combined([member.predictor.model for member in members], outputs.activation)
    objective = choice.objective_of(dataset, HParams(target=dataset.target))
    results = _tested(model, dataset.test, objective)
    measured = objective.measured(results, outputs) if objective.measured else None
    about = export.About(
        outputs=outputs,
        form=first.predictor.form,
        samples=first.content["samples"],
        confusion=results.get(classes.CONFUSION, np.zeros((0, 0))).astype(np.int64),
        accuracy=None if measured else float(results["accuracy"]),
        record=_record(members),
        measured=measured,
    )
    _save(model, about, first, out)
    found = measured.summary if measured else _shown(float(results["accuracy"]), dataset)
    return [
        f"ensemble of {len(members)} networks: {found}",
        *(f"  {member.name}: {member.result}" for member in members),
        f"model: {out / card.KERAS}",
    ]


def _shown(accuracy: float, dataset: data.Dataset) -> str:
    samples = f"{known.kind_of(dataset.form).name}s"
    return f"test accuracy {interval.percent(accuracy, len(dataset.test), samples)}"


def _member(name: str, cache_dir: str, log: Callable[[str], None]) -> _Member:
    folder = local(name, cache_dir, log)
    try:
        return _Member(name, Predictor(folder), card.read(folder))
    except UsageError as error:
        raise UsageError(str(error).replace("`--model`", "`MODEL`")) from None


def _new(out: str) -> Path:
    """Returns the folder to write.

    Raises:
      UsageError: it is in a bucket, or not new.
    """
    path = Path(expanded(out))
    if is_remote(out):
        raise UsageError(f"`--out` must be a folder on this machine. Received: {out}")
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"`--out` must be new or an empty folder. Received: {out}")
    return path


def _check(members: Sequence[_Member]) -> None:
    """Checks that models have been trained on the same data for the same outputs.

    Raises:
      UsageError: there are too few, or they have not.
    """
    if len(members) < _FEWEST:
        raise UsageError(f"`MODEL` must be at least two models, for an ensemble. Received: {members[0].name}")
    first = members[0]
    for member in members:
        if not member.content["samples"].get("test"):
            raise UsageError(f"`MODEL` must be trained on data with a test part. Received: {member.name}")
        for rule, value in _ALIKE.items():
            if value(member) != value(first):
                raise UsageError(f"`MODEL` must {rule}. Received: {first.name} and {member.name}, which differ")


def _samples(member: _Member) -> Any:
    """Returns what identifies the test samples of a model: its seed and its validation part change none of them."""
    found = Fingerprint.read(member.content.get("data", {}))
    checksums = {name: value for name, value in found.checksums.items() if name != "parts"}
    folds = str(member.configuration.get("folds", "0"))
    return checksums, found.dropped, member.content["samples"]["test"], folds if "/" in folds else ""


_ALIKE: Mapping[str, Callable[[_Member], Any]] = {
    "have the same classes, labels or numbers": lambda member: (
        member.predictor.outputs.target,
        [*member.predictor.outputs.names],
    ),
    # Each model subtracts the mean of its own training samples.
    "take samples of the same form": lambda member: dataclasses.replace(member.predictor.form, centre=(), spread=()),
    "be trained and tested on the same samples": _samples,
}


def _dataset(member: _Member, asked: Asked, screen: Console) -> data.Dataset:
    """Returns the data set that a model was trained on.

    Raises:
      UsageError: it cannot be read, or is another one.
    """
    name = asked.data or str(member.configuration.get("data", ""))
    form, flags = member.predictor.form, member.configuration
    dataset = trained_data.load(name, form, flags, asked.cache_dir, screen, is_other=False)
    changes = dataset.fingerprint.changes(Fingerprint.read(member.content.get("data", {})))
    if changes:
        raise UsageError(f"`--data` must be what the models were trained on. Received: {name} ({'; '.join(changes)})")
    return dataset


def _tested(model: keras.Model, store: data.Store, objective: Objective) -> Arrays:
    """Returns the results of a model on samples, by the names of the objective's metrics."""
    metrics = [*objective.metrics(), *objective.results()]
    forward = tf.function(lambda samples: model(samples, training=False), reduce_retracing=True)
    for samples, targets in data.evaluation_batches(store):
        outputs = forward(samples)
        for metric in metrics:
            metric.update_state(targets, outputs)
    return {metric.name: np.asarray(metric.result()) for metric in metrics}


def _record(members: Sequence[_Member]) -> dict[str, Any]:
    """Returns how an ensemble was trained: as its first member, and what is different of each."""
    first = members[0]
    return {
        **{name: first.content[name] for name in _RECORDED if name in first.content},
        "members": [
            {"model": member.name, "result": member.result, "flags": _differences(first, member)} for member in members
        ],
    }


def _differences(first: _Member, member: _Member) -> dict[str, Any]:
    own = member.configuration
    return {name: own[name] for name in own if name == "seed" or own[name] != first.configuration.get(name)}


def _save(model: keras.Model, about: export.About, member: _Member, out: Path) -> None:
    """Writes a model and a sample of one of its members; the folder appears whole or not at all.

    Raises:
      UsageError: it cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".ensemble-", dir=out.parent) as scratch:
            folder = Path(scratch, "model")
            folder.mkdir()
            for sample in member.predictor.folder.glob("sample.*"):
                shutil.copy(sample, folder)
            export.save(model, folder, about)
            folder.replace(out)
    except OSError as error:
        raise UsageError(
            f"`--out` must be a folder that can be written. Received: {out} ({error.strerror or error})"
        ) from None
