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
    given = command_line.last_value(arguments, "target", command_line.run_flags())
    tags = {target: [one.tag for one in metrics] for target, metrics in BY_TARGET.items()}
    own = tags.get(given, tags[CLASSES])
    for metric in study["metrics"]:
        if metric["metricId"].text not in own:
            trials = f"trials with `--target={given}`" if given in tags else "trials without `--target`"
            also = "; ".join(
                f"those with `--target={target}` report {metric['metricId'].text}"
                for target, names in tags.items()
                if metric["metricId"].text in names
            )
            yield metric["metricId"].problem(f"must be one of {', '.join(own)}, as {trials} report them; {also}")
