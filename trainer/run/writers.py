"""What writes a run's output while it trains; on the chief alone."""

from collections.abc import Callable, Mapping
from typing import Any

from trainer import command_line, data
from trainer.environment import Environment
from trainer.insight.observer import Examples
from trainer.run.plan import Plan
from trainer.tensorboard.callback import TensorBoard
from trainer.tensorboard.log import Log
from trainer.training import state as states
from trainer.training.metric import MetricReport
from trainer.training.report import ReportMetric

_CHANGES = 12  # images that show what the augmentation does


def board(plan: Plan, state: Mapping[str, Any] | None, lag: Callable[[], float] | None) -> TensorBoard:
    """Returns what writes to TensorBoard.

    Args:
      plan: the run.
      state: what it resumes from.
      lag: the seconds by which a bucket is behind; None where there is no bucket.
    """
    before = state["callbacks"][states.name_of(TensorBoard)]["sizes"] if state else {}
    return TensorBoard(
        # The logs in a folder without a record of this run are not its own, and are left alone.
        Log(plan.environment.logs, before if plan.former else None),
        plan.steps_per_epoch,
        plan.hparams.batch_size,
        configuration=plan.hparams.configuration(),
        command=command_line.command(plan.hparams),
        examples=_examples(plan) if plan.pictures else None,
        pictures=plan.pictures,
        profile=plan.profile,
        lag=lag,
    )


def reports(environment: Environment) -> list[ReportMetric]:
    """Returns what reports the metric to the tuning service, where there is one."""
    if not (environment.metric_file and environment.is_chief):
        return []
    return [ReportMetric(MetricReport(environment.metric_file))]


def _examples(plan: Plan) -> Examples:
    """Returns what is drawn: validation images, and the first ones to train on, before and after they are changed."""
    dataset, hparams = plan.dataset, plan.hparams
    images, labels = dataset.validation.preview()
    changes = data.changes(dataset.train, hparams.batch_size, hparams.seed, plan.preset, _CHANGES)
    return Examples(images, labels, dataset.class_names, changes)
