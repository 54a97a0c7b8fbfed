"""What writes a run's output while it trains; on the chief alone."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from trainer import data
from trainer.data.kinds.known import kind_of
from trainer.environment import Environment
from trainer.insight.observer import Examples, Observed
from trainer.metrics import ACCURACY, Metric
from trainer.run import report
from trainer.run.plan import Plan
from trainer.tensorboard import board, drawing, facts, summaries
from trainer.tensorboard.log import RUN, VALIDATION, Log
from trainer.tensorboard.pictures import Pictures
from trainer.training.metric import MetricReport
from trainer.training.report import ReportMetric

Callbacks = list[keras.callbacks.Callback]

_CHANGES = 12  # samples that show what the augmentation does


@contextlib.contextmanager
def tensorboard(plan: Plan, state: Mapping[str, Any] | None, lag: Callable[[], float] | None) -> Iterator[Callbacks]:
    """Yields the callbacks that write to TensorBoard, none but on the chief; the log records how the block ended.

    Args:
      plan: the run.
      state: what it resumes from.
      lag: returns the seconds by which a bucket is behind; None where there is no bucket.
    """
    if not plan.environment.is_chief:
        yield []
        return
    sizes = board.sizes(state["callbacks"]) if state else {}
    # The logs in a folder without a record of this run are not its own, and are left alone.
    log = Log(plan.environment.logs, sizes if plan.former else None)
    examples = _examples(plan) if plan.schedule.pictures else None
    if log.is_new:
        log.add(RUN, summaries.facts(facts.DATA, report.about(plan)), 0)
    if examples and (log.is_new or plan.environment.phase.is_last):
        log.add(VALIDATION, drawing.overview(examples), 0)
    callbacks = board.callbacks(
        log,
        plan.hparams,
        plan.schedule,
        target=plan.dataset.target,
        samples=len(plan.dataset.train),
        form=plan.dataset.form,
        examples=examples,
        lag=lag,
    )
    with board.session(log, callbacks):
        yield callbacks


def explanation(callbacks: Callbacks) -> Mapping[str, Any]:
    """Returns which attributions are the most faithful, as the pictures found at the end; empty if they did not."""
    found = [one.explanation for one in callbacks if isinstance(one, Pictures)]
    return found[0] if found else {}


def test(callbacks: Callbacks, plan: Plan) -> None:
    """Writes the worst mistakes of the trained model on the test part, if it has samples and pictures are written."""
    store = plan.dataset.test
    for one in callbacks:
        if isinstance(one, Pictures) and len(store):
            one.test(*store.preview(), len(store))


def cues(callbacks: Callbacks) -> list[str]:
    """Returns the lines on classes that a watermark may decide, as the pictures found at the end."""
    return [line for one in callbacks if isinstance(one, Pictures) for line in one.cues]


def reports(environment: Environment, metric: Metric = ACCURACY) -> Callbacks:
    """Returns what reports the metric to the tuning service, where there is one."""
    if not (environment.metric_file and environment.is_chief):
        return []
    return [ReportMetric(MetricReport(environment.metric_file, metric))]


def _examples(plan: Plan) -> Examples:
    """Returns what is drawn: validation samples, and the first ones to train on, before and after they are changed."""
    dataset, hparams = plan.dataset, plan.hparams
    samples, targets = dataset.validation.preview()
    changes = data.changes(dataset.train, hparams.batch_size, hparams.seed, plan.preset, _CHANGES)
    return Examples(
        samples,
        targets if targets.ndim == 1 else np.maximum(data.array_strata(targets) - 1, 0).astype(np.int32),
        dataset.class_names,
        changes,
        dataset.form,
        kind_of(dataset.form).name,
        None if targets.ndim == 1 else Observed(targets, plan.objective.loss, plan.objective.meaning({})),
    )
