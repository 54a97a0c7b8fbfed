import pytest

from trainer.buckets.objects.patience import Patience


class Time:
    """A clock that goes on by what is waited for."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, list[float]()

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


def _fail(times: int) -> "list[Exception | str]":
    return [*(ValueError(str(count)) for count in range(times)), "done"]


def _run(patience: Patience, answers: "list[Exception | str]") -> str:
    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return patience.run(call, lambda error: isinstance(error, ValueError))


def test_pauses_double_up_to_the_longest() -> None:
    time = Time()
    patience = Patience(100, 1.0, 4.0, time.clock, time.wait, between=lambda low, high: high)
    assert _run(patience, _fail(5)) == "done"
    assert time.waits == [1, 2, 4, 4, 4]


def test_pauses_are_shortened_by_chance_down_to_half() -> None:
    time, asked = Time(), list[tuple[float, float]]()
    patience = Patience(100, 1.0, 4.0, time.clock, time.wait, between=lambda *ends: asked.append(ends) or ends[0])
    assert _run(patience, _fail(3)) == "done"
    assert (asked, time.waits) == ([(0.5, 1), (1, 2), (2, 4)], [0.5, 1, 2])


def test_gives_up_after_its_time() -> None:
    time = Time()
    answers = _fail(100)
    with pytest.raises(ValueError, match="^3$"):
        _run(Patience(10, 1.0, 4.0, time.clock, time.wait, between=lambda low, high: high), answers)
    assert time.now == 7  # one more pause would have ended after ten seconds


def test_gives_up_when_there_is_no_time_to_wait() -> None:
    with pytest.raises(ValueError, match="^0$"):
        _run(Patience(wait=lambda seconds: True), _fail(1))


def test_other_errors_are_raised_at_once() -> None:
    with pytest.raises(KeyError):
        _run(Patience(wait=lambda seconds: pytest.fail("it waited")), [KeyError(), "done"])
