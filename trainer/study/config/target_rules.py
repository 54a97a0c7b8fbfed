"""The rule for the metric of a study: its trials compute the metrics of their `--target` alone."""

from collections.abc import Iterator, Sequence

from trainer import command_line
from trainer.hparams import CLASSES
from trainer.objectives.goals import BY_TARGET
from trainer.study.config.messages import Problem
from trainer.study.config.view import View


def check(study: View, arguments: Sequence[str]) -> Iterator[Problem]:
    """Yields a metric that trials with this `--target` do not report.

    Args:
      study: the `studySpec`, which breaks no rule of its own.
      arguments: the flags of each trial.
    """
    tags = {target: [one.tag for one in metrics] for target, metrics in BY_TARGET.items()}
    given = command_line.last_value(arguments, "target", command_line.run_flags())
    target = given if given in tags else CLASSES
    for metric in study["metrics"]:
        tag = metric["metricId"].text
        other = next((other for other, names in tags.items() if tag in names), "")
        if tag not in tags[target]:
            own = ", ".join(tags[target])
            yield metric["metricId"].problem(
                f"must be one of {own} with `--target={target}`; {tag} needs `--target={other}`"
            )
