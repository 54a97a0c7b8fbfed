"""Numbers, times and states of a study, as text."""

from collections.abc import Sequence

from trainer.study.spec import Value
from trainer.study.trial import ACTIVE, INFEASIBLE, REQUESTED, STOPPING, SUCCEEDED, Trial

_STATES = {
    REQUESTED: "waiting",
    ACTIVE: "running",
    STOPPING: "stopping",
    SUCCEEDED: "done",
    INFEASIBLE: "infeasible",
}


def parameter(value: Value) -> str:
    """Returns a parameter's value to look at, a number with three digits."""
    return exact(value) if isinstance(value, str | int) or value.is_integer() else f"{value:.3g}"


def exact(value: Value) -> str:
    """Returns a parameter's value as a flag takes it, a whole number without a point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def metric(value: float) -> str:
    """Returns a metric's value with four decimals, where these say enough."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3e}"


def duration(seconds: float) -> str:
    """Returns a time in its two largest units, as in `45 s` or `1 h 20 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


def clock(seconds: float) -> str:
    """Returns a time as a stopwatch shows it, `1:05` or `1:00:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def state(trial: Trial) -> str:
    """Returns how a trial stands, in a word or two."""
    return "stopped" if trial.state == SUCCEEDED and trial.stopped_early else _STATES[trial.state]


def settings(trial: Trial) -> str:
    """Returns a trial's parameters in one line."""
    return " ".join(f"{name}={parameter(value)}" for name, value in trial.parameters.items())


def count(number: int, noun: str) -> str:
    """Returns a number with its noun, which takes an `s` in the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def numbers(ids: Sequence[int], most: int) -> str:
    """Returns trials by their numbers, as in `trial 2` or `trials 2, 4 and 7`; of many, the first ones."""
    shown = [str(number) for number in ids[:most]]
    last = f"{len(ids) - most} more" if len(ids) > most else shown.pop()
    listed = f"{', '.join(shown)} and {last}" if shown else last
    return f"{'trial' if len(ids) == 1 else 'trials'} {listed}"


def interval(ends: tuple[float, float] | None) -> str:
    """Returns an interval in brackets, or nothing."""
    return f"({metric(ends[0])} to {metric(ends[1])})" if ends else ""
