import itertools
import math

import pytest

from trainer.hparams import HParams
from trainer.tensorboard.schedule import Schedule, picture_steps, profile_steps


@pytest.mark.parametrize(
    ("log_images", "expected"),
    [("never", []), ("epoch", [0, 20, 40, 60]), ("25", [0, 25, 50]), ("auto", [0, 8, 60])],
)
def test_picture_steps(log_images: str, expected: list[int]) -> None:
    assert list(picture_steps(log_images, 20, 3)) == expected


@pytest.mark.parametrize("steps", [1, 2, 7, 1000, 10**6])
def test_auto_keeps_to_what_tensorboard_keeps(steps: int) -> None:
    chosen = picture_steps("auto", steps, 1)
    assert len(chosen) <= 10
    assert chosen[0] == 0
    assert chosen[-1] == steps
    assert list(chosen) == sorted(set(chosen))


def test_auto_is_geometric() -> None:
    chosen = picture_steps("auto", 10**6, 1)
    ratios = [later / former for former, later in itertools.pairwise(chosen[3:])]
    assert ratios == pytest.approx([10 ** (6 / 9)] * len(ratios), rel=0.01)


def test_the_next_step_is_the_first_at_which_anything_is_due() -> None:
    pictures = Schedule((0, 8, 60))
    assert [pictures.next_step(step) for step in (0, 7, 8, 60)] == [8, 8, 60, math.inf]
    assert Schedule(range(0, 61, 20)).next_step(40) == 60
    assert Schedule().next_step(3) == math.inf
    both = Schedule((0, 8, 60), range(10, 13))
    assert [both.next_step(step) for step in (8, 10, 12)] == [10, 11, 60]


def test_a_schedule_is_what_the_flags_ask_for() -> None:
    hparams = HParams(epochs=3, log_images="epoch", profile_steps="10,12")
    assert Schedule.of(hparams, 20) == Schedule((0, 20, 40, 60), range(10, 13))


def test_profile_steps() -> None:
    assert list(profile_steps("")) == []
    assert list(profile_steps("10,13")) == [10, 11, 12, 13]


@pytest.mark.parametrize(("log_images", "expected"), [("auto", (40, 44, 60)), ("epoch", (0, 20, 40, 60))])
def test_pictures_begin_where_a_convolution_learns(log_images: str, expected: tuple[int, ...]) -> None:
    assert Schedule.of(HParams(epochs=3, log_images=log_images), 20, frozen_epochs=2).pictures == expected


def test_where_no_convolution_learns_there_are_pictures_at_the_end_alone() -> None:
    assert Schedule.of(HParams(epochs=3), 20, frozen_epochs=3).pictures == (60,)
