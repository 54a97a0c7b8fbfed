"""What an evaluation asks: the samples of a part of the data, with their targets and groups."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.buckets.fetch import fetch
from trainer.data import loading
from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import recognize
from trainer.data.lists.entries import Entry
from trainer.data.lists.given import Given
from trainer.data.lists.targets import Target, target_of
from trainer.environment import cache_folder
from trainer.errors import UsageError
from trainer.evaluate import groups, parts
from trainer.evaluate.options import Options
from trainer.evaluate.parts import Chosen, Training
from trainer.evaluate.samples import Encoded, Samples
from trainer.objectives.evaluation.result import Array, Evaluator
from trainer.serving import card

Fetched = Callable[[str], Path]


@dataclasses.dataclass(frozen=True)
class Task:
    """The samples of an evaluation.

    Attributes:
      samples: those whose targets the model knows.
      targets: their targets, as `Evaluator.match` returns them.
      groups: the group of each; empty if there are none.
      chosen: the part of the data that they are from.
      left_out: targets that the model does not know, JSON types.
    """

    samples: Samples
    targets: Array
    groups: Sequence[str]
    chosen: Chosen
    left_out: Mapping[str, Any]


def task_of(options: Options, content: Mapping[str, Any], evaluator: Evaluator, log: Callable[[str], None]) -> Task:
    """Returns the samples to evaluate.

    Args:
      options: the command line.
      content: of the model's card.
      evaluator: knows the targets of the model.
      log: receives lines about the data.

    Raises:
      UsageError: the data or a flag breaks a rule.
      StorageError: a bucket cannot be read.
    """
    form, target = card.form(content), target_of(card.outputs(content).target)
    cache = cache_folder(options.cache_dir)

    def fetched(location: str) -> Path:
        return fetch(location, cache, log=log)

    training = Training.of(content)
    found = _read(options.data, form, target, groups.without_notes(log, options.by), fetched)
    if isinstance(found, Given):
        chosen = parts.of_arrays(found, options.part, training, options.data, target)
    else:
        chosen = parts.of_files(found, options.part, training, options.data, target)
    matched = evaluator.match(chosen.samples.labels, f"{known.kind_of(form).name}s", options.data)
    if matched.line:
        log(matched.line)
    samples = chosen.samples.chosen(matched.kept)
    return Task(samples, matched.targets, _groups(options, samples, target, fetched), chosen, matched.content)


def _read(data: str, form: Form, target: Target, log: Callable[[str], object], fetched: Fetched) -> Given | list[Entry]:
    """Returns arrays or entries of the kind that a model takes."""
    asked = SampleOptions(length=form.sizes[0] if form.rank == 1 else 0, rank=form.rank, for_training=False)
    rule = f"`DATA` must contain {known.kind_of(form).name}s, as the model takes. Received: {data}"
    try:
        found = loading.read(data, asked, log, fetched, target)
        rank = found.rank if isinstance(found, Given) else recognize.kind_of_files(found, asked)[0].rank
    except UsageError as error:
        if str(error).startswith("`--target="):
            raise UsageError(
                f"`DATA` must have {target.name}, as the model predicts, in a manifest (.csv, .jsonl), an .npz file or "
                f"TFRecord shards. Received: {data}, which holds classes"
            ) from None
        if "`--rank" not in str(error):
            raise
        raise UsageError(rule) from None
    if rank != form.rank:
        raise UsageError(f"{rule}, {known.BY_RANK[rank].name}s")
    return found


def _groups(options: Options, samples: Samples, target: Target, fetched: Fetched) -> Sequence[str]:
    if not options.by:
        return ()
    if not isinstance(samples, Encoded):
        raise UsageError(
            f"`--by` must be a column of a manifest. Received: {options.by}, and {options.data} without a manifest"
        )
    return groups.values(samples.entries, options.data, options.by, fetched, target)
