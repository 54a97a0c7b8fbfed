"""The specification of a tuning job, in the service's own words, without its machines and container."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

Value = float | int | str

LINEAR, LOG, REVERSE_LOG = "UNIT_LINEAR_SCALE", "UNIT_LOG_SCALE", "UNIT_REVERSE_LOG_SCALE"
UNSPECIFIED, GRID_SEARCH, RANDOM_SEARCH = "ALGORITHM_UNSPECIFIED", "GRID_SEARCH", "RANDOM_SEARCH"
LAST_MEASUREMENT, BEST_MEASUREMENT = "LAST_MEASUREMENT", "BEST_MEASUREMENT"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One flag that is tuned, and what it may be.

    Attributes:
      name: the flag.
      kind: `double`, `integer`, `discrete` or `categorical`.
      low: the smallest number of a `double` or an `integer`.
      high: the largest.
      values: what a `discrete`, ascending floats, or a `categorical`, texts, may be.
      scale: along which steps are even; of a `categorical` it means nothing.
      children: parameters that exist only where this one has some values, each with these.
    """

    name: str
    kind: str
    low: float = 0.0
    high: float = 0.0
    values: tuple[Value, ...] = ()
    scale: str = LINEAR
    children: tuple[tuple[tuple[Value, ...], "Parameter"], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stopping:
    """When a trial is stopped before its end, as `studySpec` says it.

    Attributes:
      rule: `median`, `decay_curve`, `convex` or nothing.
      options: that rule's fields, by the service's names.
    """

    rule: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


# Where config.yaml names no rule. Of the three it stops the fewest trials that would win: see docs/tuning.md.
UNPROMISING = Stopping(rule="decay_curve")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A tuning job.

    Attributes:
      name: to show.
      metric: what trials are ranked by.
      maximize: whether more of it is better.
      parameters: what is tuned.
      algorithm: `ALGORITHM_UNSPECIFIED`, `GRID_SEARCH` or `RANDOM_SEARCH`.
      selection: which measurement is a trial's result, `LAST_MEASUREMENT` or `BEST_MEASUREMENT`.
      stopping: when a trial ends early.
      study_stopping: `studyStoppingConfig`, when the study does, as it is in the file; empty if not at all.
      max_trials: how many trials there are in all.
      parallel_trials: how many of them at once.
      max_failed_trials: how many failed ones end the study; 0 leaves that to the service, which takes 1.
      budget: seconds of work after which a study on this machine ends, running trials included; 0 is no limit.
      arguments: the flags of every trial, from the container's `args`.
      document: the whole file, a HyperparameterTuningJob in JSON's form.
    """

    name: str
    metric: str
    maximize: bool
    parameters: tuple[Parameter, ...]
    algorithm: str = UNSPECIFIED
    selection: str = LAST_MEASUREMENT
    stopping: Stopping = Stopping()
    study_stopping: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    max_trials: int
    parallel_trials: int
    max_failed_trials: int = 0
    budget: float = 0.0
    arguments: Sequence[str] = ()
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict)
