"""A study to look at, for tests."""

from tests.study.jobs import FILTERS, PADDING, RATE, job
from trainer.study.spec import BEST_MEASUREMENT, Job, Parameter
from trainer.study.trial import ACTIVE, INFEASIBLE, REQUESTED, STOPPING, SUCCEEDED, Measurement, Trial

STRIDE = Parameter(
    name="stride",
    kind="integer",
    low=1,
    high=2,
    children=(((1,), Parameter(name="dilation_rate", kind="discrete", values=(1.0, 2.0))),),
)
SHOWN: Job = job(
    parameters=(FILTERS, RATE, PADDING, STRIDE),
    selection=BEST_MEASUREMENT,
    arguments=("--data=digits", "--epochs=3"),
    max_trials=8,
)
NOW = 1100.0


def measured(*values: float) -> tuple[Measurement, ...]:
    return tuple(Measurement(step, value, 4.0 * step) for step, value in enumerate(values, 1))


TRIALS = (
    Trial(
        id=1,
        parameters={"filters": 8.0, "learning_rate": 0.00123456, "padding": "same", "stride": 1, "dilation_rate": 2.0},
        state=SUCCEEDED,
        measurements=measured(0.5, 0.9375, 0.875),
        started=1000.0,
        ended=1015.0,
    ),
    Trial(
        id=2,
        parameters={"filters": 4.0, "learning_rate": 0.01, "padding": "valid", "stride": 2},
        state=INFEASIBLE,
        measurements=measured(0.0625),
        reason="diverged: the loss is NaN at step 40",
        log="trainer: the loss is NaN at step 40",
        started=1000.0,
        ended=1005.0,
    ),
    Trial(
        id=3,
        parameters={"filters": 4.0, "learning_rate": 0.0001, "padding": "valid", "stride": 2},
        state=SUCCEEDED,
        stopped_early=True,
        measurements=measured(0.25),
        started=1005.0,
        ended=1010.0,
    ),
    Trial(
        id=4,
        parameters={"filters": 8.0, "learning_rate": 0.002, "padding": "same", "stride": 1, "dilation_rate": 1.0},
        state=STOPPING,
        measurements=measured(0.5, 0.25),
        started=1060.0,
    ),
    Trial(
        id=5,
        parameters={"filters": 4.0, "learning_rate": 0.003, "padding": "same", "stride": 2},
        state=ACTIVE,
        started=1098.0,
    ),
    Trial(id=6, parameters={"filters": 8.0, "learning_rate": 0.003, "padding": "same", "stride": 2}, state=REQUESTED),
)
