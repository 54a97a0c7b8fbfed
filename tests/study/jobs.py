"""Jobs for tests."""

import dataclasses

from trainer.study.spec import LOG, Job, Parameter

FILTERS = Parameter(name="filters", kind="discrete", values=(4.0, 8.0), scale=LOG)
RATE = Parameter(name="learning_rate", kind="double", low=1e-4, high=1e-2, scale=LOG)
PADDING = Parameter(name="padding", kind="categorical", values=("same", "valid"))

JOB = Job(
    name="a job",
    metric="val_accuracy",
    maximize=True,
    parameters=(FILTERS, RATE, PADDING),
    max_trials=3,
    parallel_trials=2,
    max_failed_trials=2,
    arguments=("--data=digits", "--epochs=2"),
)


def job(**changes: object) -> Job:
    """Returns the job with other values."""
    return dataclasses.replace(JOB, **changes)  # type: ignore[arg-type]
