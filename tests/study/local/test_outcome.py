import json
from pathlib import Path
from typing import Any

import pytest

from trainer.study.local import outcome
from trainer.study.trial import INFEASIBLE, SUCCEEDED, Measurement, Trial

SOME = [Measurement(1, 0.5)]


@pytest.mark.parametrize(
    ("status", "measurements", "was_stopped", "log", "result"),
    [
        (0, SOME, False, "", (SUCCEEDED, "")),
        (0, [], False, "", (INFEASIBLE, "no val_accuracy was reported")),
        (143, SOME, True, "trainer: stopped", (SUCCEEDED, "")),
        (0, SOME, True, "", (SUCCEEDED, "")),
        (143, [], True, "", (INFEASIBLE, "exit status 143")),
        (143, SOME, False, "trainer: stopped", (INFEASIBLE, "exit status 143: stopped")),
        (
            3,
            SOME,
            False,
            "epoch 1\ntrainer: the loss is not finite\n",
            (INFEASIBLE, "diverged: the loss is not finite"),
        ),
        (
            2,
            [],
            False,
            "trainer: `--stride` must be at least 1. Received: 0",
            (INFEASIBLE, "exit status 2: `--stride` must be at least 1. Received: 0"),
        ),
        (1, [], False, "Traceback\n  File\nMemoryError\n\n", (INFEASIBLE, "exit status 1: MemoryError")),
        (-9, SOME, False, "epoch 1", (INFEASIBLE, "killed by SIGKILL (out of memory?)")),
        (-15, [], False, "", (INFEASIBLE, "killed by SIGTERM")),
    ],
)
def test_judges(
    status: int, measurements: list[Measurement], was_stopped: bool, log: str, result: tuple[str, str]
) -> None:
    assert outcome.judge(status, measurements, "val_accuracy", was_stopped, log) == result


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert outcome.last_lines(log) == ""
    log.write_bytes(b"\xff" * 20_000 + b"\n" + b"".join(b"line %d\n" % number for number in range(100)))
    assert outcome.last_lines(log).splitlines() == [f"line {number}" for number in range(88, 100)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"data": {"counts": {"validation": 144}}, "network": {"parameters": 103_000}}, (144, 103_000)),
        ({"data": {"counts": {"validation": "144"}}, "network": {"parameters": 103_000}}, (0, 0)),
        ({"data": {"counts": {"validation": -1}}, "network": {"parameters": 103_000}}, (0, 0)),
        ({"data": {}, "network": {"parameters": 103_000}}, (0, 0)),
        ([], (0, 0)),
        (None, (0, 0)),
    ],
)
def test_a_trial_has_the_counts_of_its_own_record(tmp_path: Path, record: Any, expected: tuple[int, int]) -> None:
    if record is not None:
        (tmp_path / "hparams.json").write_text(json.dumps(record))
    trial = outcome.with_record(Trial(id=1, parameters={}), tmp_path)
    assert (trial.validated, trial.network_parameters) == expected
    assert trial.is_sound


def test_a_trial_without_a_record_keeps_zeros(tmp_path: Path) -> None:
    trial = Trial(id=1, parameters={})
    assert outcome.with_record(trial, tmp_path / "none") == trial
    (tmp_path / "hparams.json").write_bytes(b"\xff{")
    assert outcome.with_record(trial, tmp_path) == trial
