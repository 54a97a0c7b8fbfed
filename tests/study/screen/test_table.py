import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.study.shown import NOW, SHOWN, TRIALS, measured
from trainer.study.screen import table as screen
from trainer.study.screen.table import LiveTable
from trainer.study.spec import BEST_MEASUREMENT, LAST_MEASUREMENT, Job
from trainer.study.trial import ACTIVE, ENDED, INFEASIBLE, STOPPING, SUCCEEDED, Trial

NARROW = """\
3 of 8 trials ended · 2 running · 1 infeasible
best val_accuracy 0.9375 (trial 1) · 16 s left
              learning                dilation            val
trial filters     rate padding stride     rate epoch accuracy   best state
  ★ 1       8  0.00123 same         1        2   3/3   0.8750 0.9375 done
    2       4     0.01 valid        2        –   1/3   0.0625        infeasible…
    3       4   0.0001 valid        2        –   1/3   0.2500 0.2500 stopped
    4       8    0.002 same         1        1   2/3   0.2500 0.5000 stopping
    5       4    0.003 same         2        –   0/3                 running
    6       8    0.003 same         2        –                       waiting
"""
WIDE = """\
3 of 8 trials ended · 2 running · 1 infeasible · best val_accuracy 0.9375 (trial 1) · 16 s left
trial  filters  learning_rate  padding  stride  dilation_rate  epoch  val_accuracy    best  time  state
  ★ 1        8        0.00123  same          1              2    3/3        0.8750  0.9375  0:15  done
    2        4           0.01  valid         2              –    1/3        0.0625          0:05  infeasible: diverged: the loss …
    3        4         0.0001  valid         2              –    1/3        0.2500  0.2500  0:05  stopped
    4        8          0.002  same          1              1    2/3        0.2500  0.5000  0:40  stopping
    5        4          0.003  same          2              –    0/3                        0:02  running
    6        8          0.003  same          2              –                                     waiting
"""  # noqa: E501
LINES = [
    "trial 1 (1 of 8 ended): val_accuracy 0.9375 at epoch 2, 15 s, filters=8 learning_rate=0.00123 padding=same "
    "stride=1 dilation_rate=2 (the best so far)",
    "trial 2 (2 of 8 ended): infeasible: diverged: the loss is NaN at step 40, 5 s, filters=4 learning_rate=0.01 "
    "padding=valid stride=2",
    "trial 3 (3 of 8 ended): stopped early, val_accuracy 0.2500 at epoch 1, 5 s, filters=4 learning_rate=0.0001 "
    "padding=valid stride=2",
]


def drawn(job: Job, trials: Sequence[Trial], width: int, height: int = 24) -> str:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(screen.table(job, trials, NOW, width, height))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.parametrize(("width", "golden"), [(80, NARROW), (130, WIDE)])
def test_the_table(width: int, golden: str) -> None:
    assert drawn(SHOWN, TRIALS, width) == golden


def test_before_the_first_trial_there_is_a_headline() -> None:
    assert drawn(SHOWN, (), 80) == "0 of 8 trials ended\n"


def test_the_last_measurement_has_one_column() -> None:
    job = dataclasses.replace(SHOWN, selection=LAST_MEASUREMENT)
    table = drawn(job, TRIALS, 130).splitlines()
    assert "best val_accuracy 0.8750 (trial 1)" in table[0]
    assert "best" not in table[1]


@pytest.mark.parametrize("width", [80, 130])
@pytest.mark.parametrize("selection", [LAST_MEASUREMENT, BEST_MEASUREMENT])
@pytest.mark.parametrize("maximize", [True, False])
def test_the_mark_is_at_the_best_value_shown(width: int, selection: str, maximize: bool) -> None:
    job = dataclasses.replace(SHOWN, selection=selection, maximize=maximize)
    random = np.random.default_rng(width + maximize)
    for _ in range(20):
        trials = [
            dataclasses.replace(
                TRIALS[0],
                id=number,
                state=str(random.choice([SUCCEEDED, ACTIVE, STOPPING, INFEASIBLE])),
                measurements=measured(*np.round(random.choice([0.5, 0.49999, 0.6], random.integers(0, 4)), 5)),
                reason="why",
            )
            for number in range(1, 8)
        ]
        lines = drawn(job, trials, width).splitlines()
        heading = next(index for index, line in enumerate(lines) if line.strip().startswith("trial "))
        rows = [line.replace("★ ", "") for line in lines[heading + 1 :]]
        ends = [re.search(r"([\d.]+)(?: +\d:\d\d)?  ?(?:done|running|stopping)", row) for row in rows]
        values = {row.split()[0]: end[1] for row, end in zip(rows, ends, strict=True) if end and "." in end[1]}
        marked = [line.split()[1] for line in lines if "★" in line]
        assert len(marked) == bool(values)
        if values:
            best = (max if maximize else min)(values.values())
            assert values[marked[0]] == best
            assert f"best val_accuracy {best} (trial {marked[0]})" in "\n".join(lines)


def test_an_infeasible_trial_shows_no_result() -> None:
    trial = dataclasses.replace(TRIALS[1], measurements=measured(0.875))
    job = dataclasses.replace(SHOWN, selection=LAST_MEASUREMENT)
    assert "0.8750" not in drawn(job, [trial], 130)


def many(count: int, running: Sequence[int], best: int) -> list[Trial]:
    return [
        dataclasses.replace(
            TRIALS[0],
            id=number,
            state=ACTIVE if number in running else SUCCEEDED,
            measurements=measured(0.875 if number == best else 0.25),
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("width", [80, 130])
@pytest.mark.parametrize("height", [12, 23, 40])
def test_a_low_screen_shows_what_runs_the_best_and_the_latest(width: int, height: int) -> None:
    lines = drawn(SHOWN, many(60, [3, 57], 7), width, height).splitlines()
    assert len(lines) == height
    rows = [line.replace("★", " ").split()[0] for line in lines if "/3" in line]
    assert lines[-1] == f"… {60 - len(rows)} more"
    assert rows == ["3", "7", *(str(number) for number in range(60 - len(rows) + 3, 61))]


def test_more_running_trials_than_lines_do_not_overflow() -> None:
    lines = drawn(SHOWN, many(60, range(1, 61), 7), 130, 12).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "… 51 more"


@pytest.mark.parametrize(
    ("trials", "parallel", "seconds"),
    [
        ([], 2, 0),  # nothing is known
        ([(0, 10)], 1, 70),
        ([(0, 10)], 2, 35),
        ([(0, 10), (0, 20)], 2, 45),
        ([(0, 10), (95, 0)], 1, 65),  # it runs for 5 seconds more
        ([(0, 10), (0, 0)], 1, 60),  # it should have ended long ago
        ([(0, 10)] * 7, 2, 10),  # the last one cannot be shared
        ([(0, 10)] * 7 + [(98, 0)], 2, 8),
        ([(0, 10)] * 8, 2, 0),
    ],
)
def test_time_left(trials: list[tuple[float, float]], parallel: int, seconds: float) -> None:
    job = dataclasses.replace(SHOWN, parallel_trials=parallel)
    given = [
        Trial(id=number, parameters={}, state=SUCCEEDED if took else ACTIVE, started=1000 + start, ended=1000 + took)
        for number, (start, took) in enumerate(trials, 1)
    ]
    assert screen.time_left(job, given, NOW) == pytest.approx(seconds)


def test_a_pipe_has_one_line_for_each_trial_that_ended(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file, LiveTable(SHOWN, Console(file=file), clock=lambda: NOW) as table:
        for count in (0, 1, 1, 2, 3, 6, 6):
            table.update(TRIALS[:count])
        table.note("a line [of] its own")
    assert (tmp_path / "log").read_text().splitlines() == [*LINES, "a line [of] its own"]


def test_a_failure_without_a_word_is_a_line_too() -> None:
    trial = Trial(id=1, parameters={"filters": 4.0}, state=INFEASIBLE)
    assert screen.line(SHOWN, trial, [trial]) == "trial 1 (1 of 8 ended): infeasible, filters=4"


class Terminal(io.StringIO):
    """Counts how often something was drawn."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def test_a_terminal_is_drawn_when_something_changed_and_each_second() -> None:
    file, now = Terminal(), NOW
    console = Console(file=file, force_terminal=True, width=130, height=24, _environ={"TERM": "xterm"})
    with LiveTable(SHOWN, console, clock=lambda: now) as table:
        table.update(TRIALS)
        first = file.writes
        table.update(TRIALS)
        assert file.writes == first
        now += 1
        table.update(TRIALS)
        assert file.writes > first
        second = file.writes
        table.update(TRIALS[:5])
        assert file.writes > second
        table.note("a note above")
    text = file.getvalue()
    assert "★ 1" in text and "a note above" in text and "\x1b[" in text


def test_a_dumb_terminal_is_like_a_pipe() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24, _environ={"TERM": "dumb"})
    with LiveTable(SHOWN, console, clock=lambda: NOW) as table:
        table.update(TRIALS)
    assert "\x1b" not in file.getvalue()
    assert len(file.getvalue().splitlines()) == 3


def test_a_trial_that_ended_before_has_no_line() -> None:
    written = io.StringIO()
    console = Console(file=written, width=200)
    with LiveTable(SHOWN, console, known=TRIALS[:1]) as live:
        live.update(TRIALS)
    ended = [trial.id for trial in TRIALS[1:] if trial.state in ENDED]
    assert [line.split()[1] for line in written.getvalue().splitlines()] == [str(trial) for trial in ended]
