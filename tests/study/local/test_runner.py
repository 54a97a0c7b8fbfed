"""The runner against a server that follows a script, so that time and processes are no part of it."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.study.jobs import job
from trainer.study.local import layout
from trainer.study.local.ledger import Ledger
from trainer.study.local.runner import Runner
from trainer.study.spec import Job, Stopping
from trainer.study.trial import ACTIVE, INFEASIBLE, REQUESTED, STOPPING, SUCCEEDED, Measurement, Trial

Script = Callable[[int], tuple[list[float], int]]


class ScriptedServer:
    """Ends each trial at the next look, with the reports and the status of its script; a stopped one with 143.

    Args:
      script: gives, for a trial's number, the values that it reports, and its exit status.
      holds: trials that go on until they are stopped.
    """

    def __init__(self, script: Script, holds: Sequence[int] = ()):
        self._script, self._holds = script, holds
        self.started: list[int] = []
        self.stopped: list[int] = []
        self.arguments: dict[int, Sequence[str]] = {}
        self._running: dict[int, Path] = {}
        self.most = 0

    def start(
        self, trial: int, arguments: Sequence[str], environment: Mapping[str, str], log: Path, cores: Sequence[int]
    ) -> None:
        self.started.append(trial)
        self.arguments[trial] = arguments
        self._running[trial] = Path(environment["CLOUD_ML_HP_METRIC_FILE"])
        self.most = max(self.most, len(self._running))
        log.write_text(f"trainer: trial {trial} says why\n")

    def stop(self, trial: int) -> None:
        self.stopped.append(trial)

    def events(self, seconds: float) -> Iterator[dict[str, Any]]:
        for trial, file in list(self._running.items()):
            values, status = self._script(trial)
            report(file, values)
            if trial in self.stopped:
                status = 143
            elif trial in self._holds:
                continue
            del self._running[trial]
            yield {"ended": trial, "status": status}


def report(file: Path, values: Sequence[float]) -> None:
    lines = [
        json.dumps({"timestamp": 1000.0 + step, "trial": "0", "val_accuracy": str(value), "global_step": str(step)})
        for step, value in enumerate(values, 1)
    ]
    file.write_text("\n".join(lines) + "\n")


def suggest(trials: Sequence[Trial]) -> dict[str, Any]:
    return {"filters": 4.0, "learning_rate": 0.001 * (len(trials) + 1), "padding": "same"}


def run(
    folder: Path, wanted: Job, server: ScriptedServer, is_stopped: Callable[[], bool] = lambda: False
) -> tuple[str, tuple[Trial, ...]]:
    ledger = Ledger(folder, wanted, 0)
    clock = itertools.count(1000.0)
    runner = Runner(
        ledger,
        server,  # type: ignore[arg-type]
        suggest,
        variables={},
        cores=[0, 1],
        clock=lambda: next(clock),
    )
    return runner.run(is_stopped, lambda trials: None), ledger.trials


def test_runs_as_many_as_there_are_to_be(tmp_path: Path) -> None:
    server = ScriptedServer(lambda trial: ([0.5, 0.6 + trial / 100], 0))
    state, trials = run(tmp_path, job(max_trials=5), server)
    assert state == "SUCCEEDED"
    assert server.started == [1, 2, 3, 4, 5]
    assert server.most == 2
    assert [trial.state for trial in trials] == [SUCCEEDED] * 5
    assert [trial.measurements[-1].value for trial in trials] == [0.61, 0.62, 0.63, 0.64, 0.65]
    assert server.arguments[2] == ["--data=digits", "--epochs=2", *layout.arguments([], trials[1].parameters)]
    assert all(0 < trial.started < trial.ended for trial in trials)


def test_a_trial_has_what_its_own_record_says(tmp_path: Path) -> None:
    record = {"data": {"counts": {"validation": 144}}, "network": {"parameters": 103_000}}

    def script(trial: int) -> tuple[list[float], int]:
        if trial == 2:
            (tmp_path / "2" / "hparams.json").write_text(json.dumps(record))
        return [0.5], 0

    _, trials = run(tmp_path, job(max_trials=3), ScriptedServer(script))
    assert [(trial.validated, trial.network_parameters) for trial in trials] == [(0, 0), (144, 103_000), (0, 0)]
    assert Ledger(tmp_path, job(max_trials=3), 0).trials == trials


def test_a_failed_trial_is_infeasible_and_the_study_goes_on(tmp_path: Path) -> None:
    state, trials = run(tmp_path, job(max_trials=4), ScriptedServer(lambda trial: ([0.5], 3 if trial == 2 else 0)))
    assert state == "SUCCEEDED"
    assert [trial.state for trial in trials] == [SUCCEEDED, INFEASIBLE, SUCCEEDED, SUCCEEDED]
    assert trials[1].reason == "diverged: trial 2 says why"
    assert trials[1].log == "trainer: trial 2 says why"


def test_a_trial_that_reports_nothing_is_infeasible(tmp_path: Path) -> None:
    _, trials = run(tmp_path, job(max_trials=2), ScriptedServer(lambda trial: ([], 0) if trial == 1 else ([0.5], 0)))
    assert trials[0].reason == "no val_accuracy was reported"


def test_too_many_failures_end_the_study(tmp_path: Path) -> None:
    server = ScriptedServer(lambda trial: ([], 1))
    state, trials = run(tmp_path, job(max_trials=9, max_failed_trials=2, parallel_trials=1), server)
    assert state == "FAILED"
    assert len(trials) == 2


def test_what_the_service_would_start_again_is_started_again(tmp_path: Path) -> None:
    server = ScriptedServer(lambda trial: ([0.5], 134 if server.started.count(trial) < 2 else 0))
    state, trials = run(tmp_path, job(max_trials=1, parallel_trials=1), server)
    assert server.started == [1, 1]
    assert (state, trials[0].state) == ("SUCCEEDED", SUCCEEDED)


def test_but_not_for_ever(tmp_path: Path) -> None:
    server = ScriptedServer(lambda trial: ([0.5], -6))
    _, trials = run(tmp_path, job(max_trials=1, parallel_trials=1), server)
    assert server.started == [1, 1, 1]
    assert trials[0].reason == "killed by SIGABRT"


def test_a_losing_trial_is_stopped_and_counts(tmp_path: Path) -> None:
    server = ScriptedServer(lambda trial: ([0.1] * 3 if trial == 4 else [0.8, 0.85, 0.9], 0), holds=[4])
    wanted = job(max_trials=5, parallel_trials=1, stopping=Stopping(rule="median"))
    state, trials = run(tmp_path, wanted, server)
    assert server.stopped == [4]
    assert (trials[3].state, trials[3].stopped_early, trials[3].measurements[-1].value) == (SUCCEEDED, True, 0.1)
    assert (state, len(trials)) == ("SUCCEEDED", 5)


def test_a_stopped_study_goes_on_with_what_ran(tmp_path: Path) -> None:
    wanted = job(max_trials=4)
    first = ScriptedServer(lambda trial: ([0.5], 0), holds=[2])
    looks = itertools.count()
    state, before = run(tmp_path, wanted, first, lambda: next(looks) > 12)
    assert state == ""
    running = [trial.id for trial in before if trial.state == ACTIVE]
    assert 2 in running
    second = ScriptedServer(lambda trial: ([0.5, 0.6], 0))
    state, after = run(tmp_path, wanted, second)
    assert state == "SUCCEEDED"
    assert sorted(second.started) == [*running, *range(len(before) + 1, 5)]
    assert [trial.id for trial in after] == [1, 2, 3, 4]
    assert [trial.parameters for trial in after[: len(before)]] == [trial.parameters for trial in before]
    assert after[1].started == before[1].started


def test_a_budget_ends_the_study_and_what_runs_counts_by_its_measurements(tmp_path: Path) -> None:
    wanted = job(max_trials=9, budget=60.0)
    server = ScriptedServer(lambda trial: ([] if trial == 2 else [0.5], 0), holds=[1, 2])
    state, trials = run(tmp_path, wanted, server)
    assert state == "SUCCEEDED"
    assert sorted(server.stopped) == [1, 2]
    assert (trials[0].state, trials[0].stopped_early, trials[1].state) == (SUCCEEDED, True, REQUESTED)
    used = json.loads((tmp_path / "study.json").read_text())["seconds"]
    assert used >= 60
    again = ScriptedServer(lambda trial: ([0.6], 0))
    assert run(tmp_path, wanted, again)[0] == "SUCCEEDED"
    assert again.started == [], "the time that was used before counts"
    state, trials = run(tmp_path, job(max_trials=3, budget=600.0), again)
    assert again.started[0] == 2, "a longer study begins with the trial that had measured nothing"
    assert [trial.state for trial in trials] == [SUCCEEDED] * 3


def test_a_budget_that_is_used_leaves_no_trial_running(tmp_path: Path) -> None:
    wanted = job(max_trials=2, budget=5.0)
    ledger = Ledger(tmp_path, wanted, 0)
    ledger.seconds = 9.0
    half = Trial(id=1, parameters=suggest([]), state=ACTIVE, measurements=(Measurement(1, 0.4, 3.0),), started=1.0)
    ledger.put(half, Trial(id=2, parameters=suggest([half]), state=ACTIVE, started=1.0))
    server = ScriptedServer(lambda trial: ([0.4], 0))
    state, trials = run(tmp_path, wanted, server)
    assert (state, server.started) == ("SUCCEEDED", [])
    assert [(trial.state, trial.seconds) for trial in trials] == [(SUCCEEDED, 3.0), (REQUESTED, 0.0)]


@pytest.mark.parametrize("state", [STOPPING, ACTIVE])
def test_what_was_being_stopped_has_ended(tmp_path: Path, state: str) -> None:
    wanted = job(max_trials=1, parallel_trials=1)
    parameters = suggest([])
    half = Trial(id=1, parameters=parameters, state=state, measurements=(Measurement(1, 0.4),), started=1.0)
    Ledger(tmp_path, wanted, 0).put(half)
    server = ScriptedServer(lambda trial: ([0.4, 0.5], 0))
    _, trials = run(tmp_path, wanted, server)
    assert server.started == ([] if state == STOPPING else [1])
    assert trials[0].stopped_early == (state == STOPPING)
    assert trials[0].seconds < 100, "the time between does not count"
    assert trials[0].state == SUCCEEDED
