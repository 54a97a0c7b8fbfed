"""Loads data sets by their name or location."""

import dataclasses
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from trainer.buckets.fetch import fetch as fetch_from_bucket
from trainer.data.dataset import Dataset
from trainer.data.from_arrays import from_arrays
from trainer.data.from_files import from_files
from trainer.data.kinds import known
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import array_files, arrays, folder, frames, idx, manifest, named, recognize, series, tfrecord
from trainer.data.lists.dropped import Dropped
from trainer.data.lists.entries import TEST, TRAIN, Entry
from trainer.data.lists.folds import Fold
from trainer.data.lists.given import Given, Pair
from trainer.data.lists.manifest import Managed
from trainer.data.lists.targets import BY_DEFAULT, Target, target_of
from trainer.environment import cache_folder
from trainer.errors import UsageError, one_line
from trainer.files import expanded
from trainer.hparams import AUTO, CLASSES, DATASETS, MANAGED, HParams, is_pretrained, rule_of

_VOLUME = 3  # the rank of samples that are too large to be kept in memory
_PRETRAINED_SIZE = 224  # pixels of a side with which most published networks were trained
_GROUP = "Data"  # the group of the flags
_SHOWN = 3  # number of names in the line about ignored files


def reader(managed: Mapping[str, str]) -> Callable[[HParams, Console], Dataset]:
    """Returns `load_configured` for a job whose managed data set is `Environment.managed`."""
    found = Managed.of(managed)
    return lambda hparams, screen: load_configured(hparams, screen, found)


def load_configured(hparams: HParams, screen: Console, managed: Managed | None = None) -> Dataset:
    """Returns the data set that `--data` names, after downloading it if it is in a bucket.

    Args:
      hparams: the hyperparameters.
      screen: receives lines about downloaded files and skipped samples.
      managed: the managed data set of a Vertex AI job.

    Raises:
      UsageError: it cannot be loaded or split.
    """
    cache = cache_folder(hparams.cache_dir)

    def log(line: str) -> None:
        screen.out(line, highlight=False)

    given = _given_flags(hparams)
    dataset = load(
        hparams.data,
        hparams.validation_split,
        hparams.seed,
        options=SampleOptions(
            hparams.image_size,
            hparams.color,
            **{name: given[name] for name in ("length", "rate", "volume_size", "rank") if name in given},
            usual_size=_PRETRAINED_SIZE if is_pretrained(hparams) else SampleOptions.usual_size,
            skip_broken=hparams.skip_broken == "yes",
        ),
        drop=Dropped.read(hparams.drop) if hparams.drop else None,
        log=log,
        fetch=lambda location: fetch_from_bucket(location, cache, log=log),
        managed=managed,
        fold=Fold.read(hparams.folds),
        target=hparams.target,
    )
    known.check_flags(known.kind_of(dataset.form), given)
    if hparams.drop:
        samples = f"{known.kind_of(dataset.form).name}s"
        whole = sum(dataset.fingerprint.counts.values()) + dataset.fingerprint.dropped
        log(one_line(f"left out by --drop={hparams.drop}: {dataset.fingerprint.dropped:,} of {whole:,} {samples}"))
    return dataset


def _given_flags(hparams: HParams) -> dict[str, Any]:
    """Returns the flags of the data that have other values than their defaults.

    An argument of a user's own network may have the same name as a flag, which then has its default.
    """
    rules = {field.name: rule_of(field) for field in dataclasses.fields(hparams)}
    return {
        field.name: getattr(hparams, field.name)
        for field in dataclasses.fields(HParams)
        if rules[field.name].group == _GROUP and getattr(hparams, field.name) != field.default
    }


def load(
    name: str,
    validation_split: float,
    seed: int,
    *,
    options: SampleOptions | None = None,
    log: Callable[[str], object] = lambda line: None,
    fetch: Callable[[str], Path] = Path,
    managed: Managed | None = None,
    fold: Fold | None = None,
    target: str = AUTO,
    drop: Dropped | None = None,
) -> Dataset:
    """Returns a data set; a missing validation split is taken from the training split.

    Args:
      name: one of `trainer.hparams.DATASETS`, a folder of IDX files, of class folders or of TFRecord shards, or a
        manifest.
      validation_split: the share of the training samples that becomes the validation split.
      seed: the seed of this choice for samples in memory; for files, the names decide.
      options: the size and colour of the samples, and whether broken ones are skipped.
      log: receives a line about each skipped sample, and about ignored files.
      fetch: returns the local copy of a folder in a bucket, which a manifest may name.
      managed: the data set that the name `managed` refers to.
      fold: of a cross-validation.
      target: as `--target`.
      drop: the samples to leave out.

    Raises:
      UsageError: there is no such data set, it cannot be loaded, or it is too small to be split.
    """
    options, of = options or SampleOptions(), target_of(target)
    if name == MANAGED:
        if not managed:
            raise UsageError(
                f"`--data={MANAGED}` must be used with `AIP_TRAINING_DATA_URI` in the environment. Received: nothing"
            )
        entries = manifest.read_managed(managed, fetch, of)
        return _of_files(entries, validation_split, seed, options, log, fold=fold, target=of, drop=drop)
    found = read(name, options, log, fetch, of)
    if isinstance(found, Given):
        kind = known.BY_RANK[found.rank]
        return from_arrays(found, kind, validation_split, seed=seed, options=options, fold=fold, drop=drop)
    return _of_files(found, validation_split, seed, options, log, fold=fold, target=of, drop=drop)


def read(
    name: str,
    options: SampleOptions,
    log: Callable[[str], object],
    fetch: Callable[[str], Path],
    target: Target = BY_DEFAULT,
) -> Given | list[Entry]:
    """Returns what a data set contains before anything is split off: arrays, or a list of files of single samples.

    Args:
      name: as in `load`, but not `managed`.
      options: as in `load`.
      log: as in `load`.
      fetch: as in `load`.
      target: how labels are read.

    Raises:
      UsageError: there is no such data set, or it breaks a rule.
    """
    if name in DATASETS:
        _check_classes(target, name)
        return _given(*named.read(name))
    path = _local(name, fetch)
    found = _arrays(path, name, options, log, target)
    return found or _entries(path, expanded(name), fetch, log, rank=options.rank, target=target)


def _check_classes(target: Target, name: str) -> None:
    """Checks that data of a form that holds classes alone are read as classes."""
    if target.name != CLASSES:
        raise UsageError(
            f"`--target={target.name}` must be used with a manifest (.csv, .jsonl), an .npz file or TFRecord shards. "
            f"Received: {one_line(name)}, which holds classes"
        )


def _of_files(
    entries: Sequence[Entry],
    validation_split: float,
    seed: int,
    options: SampleOptions,
    log: Callable[[str], object],
    *,
    fold: Fold | None,
    target: Target,
    drop: Dropped | None,
) -> Dataset:
    """Returns a data set of files of single samples; arrays that are not volumes are read into memory."""
    kind, are_arrays = recognize.kind_of_files(entries, options)
    if note := recognize.frames_note(entries, kind):
        log(one_line(note))
    if are_arrays and kind.rank < _VOLUME:
        found = array_files.read(
            entries, kind.rank, validation_split, options, log, fold=fold, target=target, drop=drop
        )
        return from_arrays(found, kind, validation_split, seed=seed, options=options)
    return from_files(entries, kind, validation_split, options, log, fold=fold, target=target, drop=drop)


def _arrays(
    path: Path, name: str, options: SampleOptions, log: Callable[[str], object], target: Target
) -> Given | None:
    """Returns the arrays of a file or a folder; None if it lists files of single samples."""
    if idx.is_one(path):
        _check_classes(target, name)
        _log_others(path, name, set(), log)
        return _given(*idx.read_folder(path))
    if arrays.is_one(path):
        return arrays.read(path, expanded(name), options, log, target)
    if series.is_one(path):
        _check_classes(target, name)
    return series.read(path, expanded(name), options, log) if series.is_one(path) else None


def _given(training: Pair, test: Pair) -> Given:
    return Given({TRAIN: training, TEST: test})


def list_entries(
    name: str, fetch: Callable[[str], Path] = Path, log: Callable[[str], object] = lambda line: None, rank: int = 0
) -> list[Entry]:
    """Returns the samples of a folder of class folders or of TFRecord shards, or of a manifest.

    Args:
      name: its path, or its location in a bucket.
      fetch: as in `load`.
      log: receives a line about ignored files.
      rank: as in `SampleOptions`; 3 for videos as folders of frames.

    Raises:
      UsageError: there is no such data set, or it breaks a rule.
    """
    path = _local(name, fetch)
    if idx.is_one(path) or arrays.is_one(path) or series.is_one(path):
        raise UsageError(f"`--data` must contain a file for each sample to be written as shards. Received: {name}")
    return _entries(path, expanded(name), fetch, log, rank=rank, target=target_of(AUTO))


def _local(name: str, fetch: Callable[[str], Path]) -> Path:
    """Returns a folder or a manifest on this machine."""
    path = fetch(name) if name.startswith("gs://") else Path(expanded(name))
    exists = bool(name) and os.path.exists(path)  # noqa: PTH110  false for a name that is too long
    if not (exists and (path.is_dir() or any(reader.is_one(path) for reader in (manifest, arrays, series)))):
        raise UsageError(
            f"`--data` must be one of {', '.join(DATASETS)}, a file (.csv, .jsonl, .npz, .ts), or a folder. "
            f"Received: {name or 'nothing'}{'' if exists or not name else ' (no such file or folder)'}"
        )
    return path


def _entries(
    path: Path,
    location: str,
    fetch: Callable[[str], Path],
    log: Callable[[str], object],
    *,
    rank: int,
    target: Target,
) -> list[Entry]:
    if path.is_file():
        others = manifest.of_other_parts(path)
        if others:
            log(one_line(f"{others} next to {location} is ignored; set `--data` to their folder to use both"))
        return manifest.read(path, location, fetch, log=log, target=target)
    shards = tfrecord.shards(path)
    if shards:
        _log_others(path, location, {one.parent for one in shards}, log)
        return tfrecord.read(path, log, target)
    named = [file for file in sorted(path.iterdir()) if manifest.is_one(file)]
    lists = [file for file in named if manifest.lists_images(file, target)]
    if named and not lists and not any(one.is_dir() for one in path.iterdir()):
        lists = named  # reading them reports what is missing
    above = location.rstrip("/")
    for file in (file for file in named if file not in lists):
        log(one_line(f"{above}/{file.name} is ignored: it has no `image` and `label`"))
    if len(lists) > 1:
        return manifest.read_parts(lists, above, fetch, log, target)
    if lists:
        return manifest.read(lists[0], f"{above}/{lists[0].name}", fetch, log=log, target=target)
    _check_classes(target, location)
    found = folder.read(path, log, has_videos=rank == _VOLUME)
    if not rank and frames.seem_meant(one.name for one in found):
        log(one_line(f"{location}: each file is read as an image; `--rank=3` reads each folder of frames as a video"))
    return found


def _log_others(path: Path, location: str, used: Collection[Path], log: Callable[[str], object]) -> None:
    """Logs the folders and manifests next to the files that are read, in case the user meant them."""
    others = [one for one in sorted(path.iterdir()) if one not in used and (one.is_dir() or manifest.is_one(one))]
    names = [one.name for one in others if not folder.is_passed_over(one)]
    if names:
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        log(one_line(f"ignored in {location}: {', '.join(names[:_SHOWN])}{more} (next to files of another format)"))
