"""The report of a run, `report.html`: what only the running program knows, and the file at the end."""

import datetime
from collections.abc import Callable
from typing import Any

from trainer import data
from trainer.environment import Environment
from trainer.errors import one_line
from trainer.pages import page
from trainer.pages.run import facts, report
from trainer.run.plan import Plan

_MOST_LINES = 20  # about samples that were left out


def about(plan: Plan) -> dict[str, Any]:
    """Returns what the log keeps of the data for the report; it is the same wherever the run is stored."""
    dataset, form = plan.dataset, plan.dataset.form
    counts = {part: data.counts_of(getattr(dataset, part).targets, dataset.classes) for part in data.PARTS}
    return {
        "kind": data.kind_of(form).name,
        "described": f"{form}, {form.channels} channel{'' if form.channels == 1 else 's'}",
        "classes": [one_line(name) for name in dataset.class_names],
        "target": dataset.target,
        "counts": counts if all(counts.values()) else {},
        "caveats": plan.caveats,
        "left_out": [one_line(line) for line in dataset.left_out[:_MOST_LINES]],
        "left_out_count": len(dataset.left_out),
    }


def counts(plan: Plan) -> str:
    """Returns how many samples of how many classes, labels or numbers each part of the data has, in one line."""
    dataset, words = plan.dataset, {"train": "training"}
    numbers = {part: len(getattr(dataset, part)) for part in data.PARTS}
    parts = ", ".join(f"{number:,} {words.get(part, part)}" for part, number in numbers.items() if number)
    outputs = f" of {dataset.classes:,} {dataset.target}" if dataset.classes > 1 else ""
    return f"{sum(numbers.values()):,} {plan.samples}{outputs}: {parts}"


def written(environment: Environment) -> str:
    """Returns where the report of a run is, for a person; nothing if its folder on this machine has none."""
    path = environment.root / page.NAME
    return f"{environment.shown('root')}/{page.NAME}" if path.exists() and page.may_be_written(path) else ""


def write(
    environment: Environment, sample: str, now: Callable[[], datetime.datetime], log: Callable[[str], object]
) -> str:
    """Writes the report of a finished run and returns where it is; a file that is no report stays, and nothing is.

    Args:
      environment: the folders of the run.
      sample: a file to classify, as an example; empty if there is none.
      now: returns the time.
      log: called with a line if the file is not written.

    Raises:
      OSError: it cannot be written.
    """
    path = environment.root / page.NAME
    if not page.may_be_written(path):
        log(f"no report: {path} is another file; python -m trainer.report --output=FILE writes it elsewhere")
        return ""
    folders = facts.Folders(
        root=environment.root, logs=environment.logs, checkpoints=environment.checkpoints, model=environment.model
    )
    shell = facts.Shell.here(environment.shown("model"), environment.shown("logs"), sample)
    run = facts.read(folders, environment.shown("root"), shell, is_finished=True)
    page.write(path, report.html(run, now()))
    return written(environment)
