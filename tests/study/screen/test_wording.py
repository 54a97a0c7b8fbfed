import pytest

from trainer.study.screen import wording
from trainer.study.spec import Value
from trainer.study.trial import ACTIVE, INFEASIBLE, REQUESTED, STOPPING, SUCCEEDED, Trial


@pytest.mark.parametrize(
    ("value", "shown", "exact"),
    [
        (64.0, "64", "64"),
        (2, "2", "2"),
        ("same", "same", "same"),
        (0.00012345678, "0.000123", "0.00012345678"),
        (0.5, "0.5", "0.5"),
        (-3.0, "-3", "-3"),
    ],
)
def test_a_parameter_has_three_digits_and_as_a_flag_all_of_them(value: Value, shown: str, exact: str) -> None:
    assert (wording.parameter(value), wording.exact(value)) == (shown, exact)


@pytest.mark.parametrize("value", [1e-12, 1 / 3, 2.0**60, 1e22, 1234567.891, 5.0, 0.1 + 0.2])
def test_a_flag_loses_nothing(value: float) -> None:
    assert float(wording.exact(value)) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.91234, "0.9123"), (0.0, "0.0000"), (1.0, "1.0000"), (0.00012, "1.200e-04"), (123456.0, "1.235e+05")],
)
def test_a_metric_has_four_decimals_where_they_say_enough(value: float, shown: str) -> None:
    assert wording.metric(value) == shown


@pytest.mark.parametrize(
    ("seconds", "said", "watch"),
    [
        (0, "0 s", "0:00"),
        (99.4, "99 s", "1:39"),
        (99.6, "2 min", "1:39"),
        (59.6 * 60, "1 h 0 min", "59:36"),
        (4805, "1 h 20 min", "1:20:05"),
        (100_000, "1 d 4 h", "27:46:40"),
    ],
)
def test_times_have_two_units_at_most(seconds: float, said: str, watch: str) -> None:
    assert (wording.duration(seconds), wording.clock(seconds)) == (said, watch)


def test_states_are_words() -> None:
    states = (REQUESTED, ACTIVE, STOPPING, SUCCEEDED, INFEASIBLE)
    words = [wording.state(Trial(id=1, parameters={}, state=state)) for state in states]
    assert words == ["waiting", "running", "stopping", "done", "infeasible"]
    assert wording.state(Trial(id=1, parameters={}, state=SUCCEEDED, stopped_early=True)) == "stopped"


def test_counts() -> None:
    assert (wording.count(1, "trial"), wording.count(0, "trial")) == ("1 trial", "0 trials")
