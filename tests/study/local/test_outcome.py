from pathlib import Path

import pytest

from trainer.study.local import outcome
from trainer.study.trial import INFEASIBLE, SUCCEEDED, Measurement

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
