"""The rule for the metric of a study whose trials learn labels or numbers: its name and its goal."""

from collections.abc import Iterator, Sequence

from trainer import command_line
from trainer.hparams import AUTO, CLASSES
from trainer.objectives.goals import GOALS, MAXIMIZE
from trainer.study.config.messages import Problem
from trainer.study.config.view import View

_UNSET = "GOAL_TYPE_UNSPECIFIED"


def check(study: View, arguments: Sequence[str]) -> Iterator[Problem]:
    """Yields a metric that trials with this `--target` do not report, and a goal that is not its own.

    Args:
      study: the `studySpec`.
      arguments: the flags of each trial.
    """
    target = command_line.last_value(arguments, "target", command_line.run_flags()) or AUTO
    name, goal = next(iter(GOALS.get(target, GOALS[CLASSES]).items()))
    metric = next(iter(study["metrics"]), View(None))
    if metric["metricId"].text != name:
        with_flag = f"trials with `--target={target}` report" if target in GOALS else "trials without `--target` report"
        other = next((other for other, goals in GOALS.items() if metric["metricId"].text == next(iter(goals))), "")
        also = f"; `--target={other}` reports {metric['metricId'].text}" if other else ""
        yield metric["metricId"].problem(f"must be {name}: {with_flag} it{also}")
    elif (metric["goal"].text or MAXIMIZE).replace(_UNSET, MAXIMIZE) != goal:
        better = "higher" if goal == MAXIMIZE else "lower"
        yield metric["goal"].problem(f"must be {goal}: a {better} {name} is better")
