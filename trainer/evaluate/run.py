"""One evaluation: the samples, their predictions, the result."""

import dataclasses
import datetime
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from trainer.data.kinds import known
from trainer.errors import UsageError, one_line
from trainer.evaluate import destination, figures, parts, picturing, predicting, predictions, results
from trainer.evaluate.destination import Destination
from trainer.evaluate.options import Options
from trainer.evaluate.predictions import Predictions
from trainer.evaluate.results import Result
from trainer.evaluate.samples import Samples
from trainer.evaluate.task import Task, task_of
from trainer.objectives import choice
from trainer.objectives.evaluation.result import Evaluation, NameOf
from trainer.pages import evaluation as pages
from trainer.quiet import without_chatter
from trainer.serving import card, folder
from trainer.serving.predictor import Predictor
from trainer.tensorboard import summaries

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
      name_of: returns the path of a sample.
      files: the names of the files of the result.
    """

    found: Evaluation | None
    said: Mapping[str, Any]
    predicted: int
    samples: int
    noun: str
    broken: Sequence[str]
    part: str
    name_of: NameOf
    files: Sequence[str] = ()


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
    with destination.opened(options.out, results.OWN, predictions.FOLDER, log) as output:
        model = folder.local(options.model, options.cache_dir, log)
        content = card.read(model)
        evaluator = choice.evaluator_of(card.outputs(content))
        noun = f"{known.kind_of(card.form(content)).name}s"
        task = task_of(options, content, evaluator, log)
        identity = {"model": _identity(content), "data": task.samples.digest() if options.out else ""}
        stored = Predictions(output, len(task.targets), identity)

        @functools.cache
        def predictor() -> Predictor:
            with without_chatter():
                return Predictor(model)

        number, count = options.shard
        own = [one for one in stored.missing() if one % count == number - 1]
        if own:
            predicting.predict(stored, own, task.samples, predictor(), options.batch_size, on=screen)
            output.refresh()
        left = sum(last - first for first, last in map(stored.span, stored.missing()))
        broken = [] if left else [*_broken(stored, task.samples)]
        said = f"{_words(task.chosen.part)}: {task.chosen.reason}".removesuffix(": ")
        predicted = len(task.targets) - left
        outcome = Outcome(None, {}, predicted, len(task.targets), noun, broken, said, task.samples.name)
        if left:
            return outcome
        if len(broken) == len(task.targets):
            raise UsageError(f"`DATA` must contain {noun} that can be read. Received: {broken[0]}")
        found = evaluator.evaluate(task.targets, task.groups, stored.outputs, noun)
        result = results.Result(found, _facts(options, task, broken), task.samples.name, options.by)
        about = pages.About(options.model, options.data, said, noun, options.by, broken, task.samples.name)
        names = _write(output, result, about, task.samples, predictor) if options.out else []
        return dataclasses.replace(outcome, found=found, said=result.content(), files=names)


def _write(
    output: Destination, result: Result, about: pages.About, samples: Samples, predictor: Callable[[], Predictor]
) -> list[str]:
    """Draws and writes a result, and returns the names of its files."""
    found = result.found
    drawn = {name: figures.pictures(figure) for name, (_, figure) in found.figures.items()}
    encoded = {name: [*map(summaries.png, some)] for name, some in drawn.items()}
    used = sum(len(one) for some in encoded.values() for one in some)
    mistaken = picturing.pictures(found.mistakes, samples, predictor(), used)
    page = pages.html(found, about, encoded, mistaken, datetime.datetime.now())
    return result.write(output, {name: summaries.png(figures.sheet(some)) for name, some in drawn.items()}, page)


def _identity(content: Mapping[str, Any]) -> str:
    """Returns a checksum of a model, from those of its files."""
    listed = sorted((one.name, one.sha256) for one in card.files(content))
    return hashlib.sha256(repr(listed).encode()).hexdigest()


def _broken(stored: Predictions, samples: Samples) -> Iterator[str]:
    for first, part in stored.read():
        for index, reason in part.broken.items():
            yield f"{samples.name(first + index)}: {one_line(reason)}"


def _words(part: str) -> str:
    return "all samples" if part == parts.ALL else f"{part} part"


def _facts(options: Options, task: Task, broken: Sequence[str]) -> dict[str, Any]:
    return {
        "model": options.model,
        "data": options.data,
        "part": task.chosen.part,
        "part_reason": task.chosen.reason,
        "broken": [*broken],
        **task.left_out,
    }
