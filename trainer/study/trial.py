"""One trial: its parameters, its measurements, and how it ended."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.study.spec import BEST_MEASUREMENT, Value

# The service's words. A trial that was stopped early has SUCCEEDED, for its result counts.
REQUESTED, ACTIVE, STOPPING, SUCCEEDED, INFEASIBLE = "REQUESTED", "ACTIVE", "STOPPING", "SUCCEEDED", "INFEASIBLE"
ENDED = (SUCCEEDED, INFEASIBLE)


@dataclasses.dataclass(frozen=True)
class Measurement:
    """The metric at one moment.

    Attributes:
      step: what the program reported with it, epochs here.
      value: of the metric, finite.
      seconds: since the trial began.
    """

    step: int
    value: float
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial.

    Attributes:
      id: counted from 1.
      parameters: what was suggested, with the active parameters alone.
      state: one of the five above.
      measurements: by ascending step.
      stopped_early: whether a stopping rule ended it.
      reason: why it is infeasible, one line, or nothing.
      log: its last lines, if it is infeasible.
      started: seconds since 1970; 0 if it has not begun.
      ended: the same.
      validated: how many samples a validation has; 0 if the trial did not say.
      network_parameters: how many its network has; 0 if the trial did not say.
      finished: whether its model was written, and its test part evaluated; see `trainer.study.local.finishing`.
      paused: seconds that passed between interruptions and the resumes after them.
    """

    id: int
    parameters: Mapping[str, Value]
    state: str = REQUESTED
    measurements: Sequence[Measurement] = ()
    stopped_early: bool = False
    reason: str = ""
    log: str = ""
    started: float = 0.0
    ended: float = 0.0
    validated: int = 0
    network_parameters: int = 0
    finished: bool = False
    paused: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it worked; 0 if it has not begun, or not ended."""
        return max(0.0, self.ended - self.started - self.paused) if self.started and self.ended else 0.0

    @property
    def is_sound(self) -> bool:
        """Whether every value is of its kind, as those of a file need not be."""
        numbers = (
            self.started,
            self.ended,
            self.paused,
            *(number for one in self.measurements for number in vars(one).values()),
        )
        return (
            type(self.id) is int
            and isinstance(self.parameters, Mapping)
            and self.state in (REQUESTED, ACTIVE, STOPPING, *ENDED)
            and type(self.finished) is bool
            and all(type(count) is int and count >= 0 for count in (self.validated, self.network_parameters))
            and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
        )

    def result(self, selection: str, maximize: bool) -> Measurement | None:
        """Returns the measurement that the trial is ranked by; nothing if it has none or is infeasible."""
        if self.state == INFEASIBLE or not self.measurements:
            return None
        if selection == BEST_MEASUREMENT:
            return (max if maximize else min)(self.measurements, key=lambda measured: measured.value)
        return self.measurements[-1]


def best(trials: Sequence[Trial], selection: str, maximize: bool) -> Trial | None:
    """Returns the trial with the best result among those that have ended; the earlier of two equal ones."""
    return leading([trial for trial in trials if trial.state == SUCCEEDED], selection, maximize)


def leading(trials: Sequence[Trial], selection: str, maximize: bool) -> Trial | None:
    """Returns the trial with the best result so far, also of one that still runs; the earlier of two equal ones."""
    ranked = [(trial.result(selection, maximize), trial) for trial in trials]
    pairs = [
        (measured.value if maximize else -measured.value, -trial.id, trial) for measured, trial in ranked if measured
    ]
    return max(pairs, key=lambda pair: pair[:2])[2] if pairs else None


def as_json(trial: Trial) -> dict[str, Any]:
    """Returns a trial in JSON's form."""
    return dataclasses.asdict(trial)


def from_json(value: Mapping[str, Any]) -> Trial:
    """Returns a trial from JSON's form."""
    return Trial(**{**value, "measurements": tuple(Measurement(**measured) for measured in value["measurements"])})
