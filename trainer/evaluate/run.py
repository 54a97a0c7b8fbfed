"""One evaluation: the samples, their predictions, the result."""

import contextlib
import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainer import files
from trainer.buckets.fetch import fetch
from trainer.data import loading
from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import recognize
from trainer.data.lists.entries import Entry
from trainer.data.lists.given import Given
from trainer.data.lists.targets import target_of
from trainer.environment import cache_folder
from trainer.errors import UsageError, one_line
from trainer.evaluate import classes, groups, matching, parts, predictions, results
from trainer.evaluate.classes import Evaluation
from trainer.evaluate.options import Options
from trainer.evaluate.parts import Chosen, Training
from trainer.evaluate.predictions import Part, Predictions
from trainer.evaluate.samples import Encoded, Samples
from trainer.files import expanded
from trainer.hparams import CLASSES
from trainer.quiet import without_chatter
from trainer.serving import card, folder
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor

Log = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What an evaluation has come to.

    Attributes:
      found: the result; None if other shards are still to predict samples.
      said: the same as JSON types; empty without a result.
      predicted: the number of samples with predictions.
      samples: the number of all.
      noun: what a sample is, in the plural.
      broken: why samples cannot be read, each with its path.
      part: the part of the data, and why, in words.
    """

    found: Evaluation | None
    said: Mapping[str, Any]
    predicted: int
    samples: int
    noun: str
    broken: Sequence[str]
    part: str


@dataclasses.dataclass(frozen=True)
class _Task:
    """The samples of an evaluation, with their class numbers and groups."""

    samples: Samples
    targets: classes.Targets
    groups: Sequence[str]
    chosen: Chosen
    unknown: Mapping[str, int]


def evaluate(options: Options, screen: Console, log: Log) -> Outcome:
    """Predicts the samples that are not predicted yet, and returns the result once all are.

    Args:
      options: the command line.
      screen: shows the progress.
      log: receives lines about the data.

    Raises:
      UsageError: the model, the data or a flag breaks a rule.
      StorageError: a bucket cannot be read, or a result cannot be written.
    """
    _check_out(options.out)
    model = folder.local(options.model, options.cache_dir, log)
    content = card.read(model)
    if (target := card.outputs(content).target) != CLASSES:
        raise UsageError(
            f"`--model` must classify: of {target}, {card.JSON} has the results on the test samples. "
            f"Received: {options.model}, a model of {target}"
        )
    form, names = card.form(content), [*map(str, content["classes"])]
    noun = f"{known.kind_of(form).name}s"
    task = _task(options, content, form, names, log)
    about = {"model": _identity(content), "data": task.samples.digest() if options.out else ""}
    with _folder(options.out) as output:
        stored = Predictions(output / predictions.FOLDER, len(task.targets), about, options.out)
        number, count = options.shard
        own = [one for one in stored.missing() if one % count == number - 1]
        if own:
            with without_chatter():
                predictor = Predictor(model)
            _predict(stored, own, task.samples, predictor, options.batch_size, on=screen)
        left = sum(last - first for first, last in map(stored.span, stored.missing()))
        broken = [] if left else [*_broken(stored, task.samples)]
        said = f"{_words(task.chosen.part)}: {task.chosen.reason}".removesuffix(": ")
        outcome = Outcome(None, {}, len(task.targets) - left, len(task.targets), noun, broken, said)
        if left:
            return outcome
        if len(broken) == len(task.targets):
            raise UsageError(f"`DATA` must contain {noun} that can be read. Received: {broken[0]}")
        found = classes.evaluation(names, task.targets, task.groups, stored.read)
        facts = _facts(options, task, broken)
        written = results.content(found, facts, task.samples.name, options.by)
        if options.out:
            results.write(output, found, written, task.samples.name, options.out)
        return dataclasses.replace(outcome, found=found, said=written)


def _check_out(out: str) -> None:
    """Raises `UsageError` for a folder that contains other things than an evaluation."""
    if not out:
        return
    path = Path(expanded(out))
    try:
        others = files.strangers(path, results.OWN)
        reason = "a file" if path.exists() and not path.is_dir() else ""
    except OSError as error:
        others, reason = [], error.strerror or str(error)
    reason = reason or (f"contains {others[0]}" if others else "")
    if reason:
        raise UsageError(f"`--out` must be a new folder, or that of the same evaluation. Received: {out} ({reason})")


@contextlib.contextmanager
def _folder(out: str) -> Iterator[Path]:
    """Yields the folder of the results, or one that is removed afterwards."""
    if out:
        yield Path(expanded(out))
        return
    with tempfile.TemporaryDirectory(prefix="trainer-evaluate-") as found:
        yield Path(found)


def _task(options: Options, content: Mapping[str, Any], form: Form, names: Sequence[str], log: Log) -> _Task:
    """Returns the samples to evaluate."""
    cache = cache_folder(options.cache_dir)

    def fetched(location: str) -> Path:
        return fetch(location, cache, log=log)

    training = Training.of(content)
    found = _read(options.data, form, groups.without_notes(log, options.by), fetched)
    if isinstance(found, Given):
        chosen = parts.of_arrays(found, options.part, training, options.data)
    else:
        chosen = parts.of_files(found, options.part, training, options.data)
    matched = matching.match(chosen.samples.labels, names, f"{known.kind_of(form).name}s", options.data)
    if matched.line:
        log(matched.line)
    samples = chosen.samples.chosen(matched.kept)
    grouped = _groups(options, samples, fetched)
    return _Task(samples, matched.targets, grouped, chosen, matched.unknown)


def _read(data: str, form: Form, log: Callable[[str], object], fetched: Callable[[str], Path]) -> Given | list[Entry]:
    """Returns arrays or entries of the kind that a model takes."""
    asked = SampleOptions(length=form.sizes[0] if form.rank == 1 else 0, rank=form.rank, for_training=False)
    rule = f"`DATA` must contain {known.kind_of(form).name}s, as the model takes. Received: {data}"
    try:
        found = loading.read(data, asked, log, fetched, target_of(CLASSES))
        rank = found.rank if isinstance(found, Given) else recognize.kind_of_files(found, asked)[0].rank
    except UsageError as error:
        if "`--rank" not in str(error):
            raise
        raise UsageError(rule) from None
    if rank != form.rank:
        raise UsageError(f"{rule}, {known.BY_RANK[rank].name}s")
    return found


def _groups(options: Options, samples: Samples, fetched: Callable[[str], Path]) -> Sequence[str]:
    if not options.by:
        return ()
    if not isinstance(samples, Encoded):
        raise UsageError(
            f"`--by` must be a column of a manifest. Received: {options.by}, and {options.data} without a manifest"
        )
    return groups.values(samples.entries, options.data, options.by, fetched)


def _identity(content: Mapping[str, Any]) -> str:
    """Returns a checksum of a model, from those of its files."""
    listed = sorted((one.name, one.sha256) for one in card.files(content))
    return hashlib.sha256(repr(listed).encode()).hexdigest()


def _predict(
    stored: Predictions, numbers: Sequence[int], samples: Samples, predictor: Predictor, batch_size: int, *, on: Console
) -> None:
    """Predicts the samples of some files, and writes each file when it is complete; shows the progress."""
    columns = (TextColumn("predicts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    total = sum(last - first for first, last in map(stored.span, numbers))
    with Progress(*columns, console=on, transient=True, disable=not on.is_terminal) as progress:
        task = progress.add_task("", total=total)
        for number in numbers:
            first, last = stored.span(number)
            found: list[Answer | BrokenSampleError] = []
            for start in range(first, last, batch_size):
                batch = samples.answers(predictor, start, min(start + batch_size, last))
                found += batch
                progress.advance(task, len(batch))
            stored.write(number, _part(found, len(predictor.classes)))


def _part(found: Sequence[Answer | BrokenSampleError], count: int) -> Part:
    probabilities = np.full((len(found), count), np.nan, np.float32)
    broken = {}
    for index, one in enumerate(found):
        if isinstance(one, BrokenSampleError):
            broken[index] = str(one)
        else:
            probabilities[index] = one.probabilities
    return Part(probabilities, broken)


def _broken(stored: Predictions, samples: Samples) -> Iterator[str]:
    for first, part in stored.read():
        for index, reason in part.broken.items():
            yield f"{samples.name(first + index)}: {one_line(reason)}"


def _words(part: str) -> str:
    return "all samples" if part == parts.ALL else f"{part} part"


def _facts(options: Options, task: _Task, broken: Sequence[str]) -> dict[str, Any]:
    return {
        "model": options.model,
        "data": options.data,
        "part": task.chosen.part,
        "part_reason": task.chosen.reason,
        "broken": [*broken],
        "unknown_classes": dict(task.unknown),
    }
