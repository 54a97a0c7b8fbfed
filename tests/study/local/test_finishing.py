import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.study.jobs import job
from tests.study.local.test_runner import ScriptedServer, suggest
from trainer.study.local.finishing import Finishing
from trainer.study.local.ledger import Ledger
from trainer.study.local.runner import Runner

VALUES = (0.5, 0.8, 0.6, 0.9, 0.7, 0.95)


class PhasedServer(ScriptedServer):
    """A server that records the phase of each process; a trial that trains leaves a checkpoint.

    Args:
      failing: trials that cannot be finished.
    """

    def __init__(self, failing: Sequence[int] = ()):
        super().__init__(self._script)
        self.phases: list[tuple[int, str]] = []
        self._failing = failing

    def start(
        self, trial: int, arguments: Sequence[str], environment: Mapping[str, str], log: Path, cores: Sequence[int]
    ) -> None:
        super().start(trial, arguments, environment, log, cores)
        self.phases.append((trial, environment["TRAINER_PHASE"]))
        checkpoint = log.parent / "checkpoints" / "42"
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "0.state").touch()

    def finished(self) -> list[tuple[int, str]]:
        """Returns the processes that did not train, and forgets all."""
        found, self.phases = [one for one in self.phases if one[1] not in ("training", "whole")], []
        return sorted(found)

    def _script(self, trial: int) -> tuple[list[float], int]:
        is_finishing = self.phases[-1][1] in ("finish", "stopped")
        return [VALUES[trial - 1]], 4 if is_finishing and trial in self._failing else 0


def _study(
    folder: Path, server: ScriptedServer, keep: int, trials: int, stops: Iterator[bool] | None = None
) -> tuple[bool, list[str]]:
    clock, lines = itertools.count(1000.0), list[str]()
    ledger = Ledger(folder, job(max_trials=trials), 0)
    given: Any = {"variables": {}, "cores": [0, 1], "keep_models": keep}
    Runner(ledger, server, suggest, clock=lambda: next(clock), **given).run(  # type: ignore[arg-type]
        lambda: False, lambda trials: None
    )
    finishing = Finishing(ledger, server, **given)  # type: ignore[arg-type]
    return finishing.run(lambda: bool(stops) and next(stops), lines.append), lines  # type: ignore[arg-type]


def _finished(folder: Path, trials: int) -> list[int]:
    return [trial.id for trial in Ledger(folder, job(max_trials=trials), 0).trials if trial.finished]


def test_finishes_the_best_alone_and_once(tmp_path: Path) -> None:
    """Also when the study is given more trials later, and more models to keep."""
    server = PhasedServer()
    assert _study(tmp_path, server, 1, 4) == (True, ["tests and exports trial 4"])
    assert server.finished() == [(4, "finish")]
    assert _study(tmp_path, server, 1, 4) == (True, [])
    assert _study(tmp_path, server, 1, 5) == (True, [])
    assert (server.finished(), _finished(tmp_path, 5)) == ([], [4])
    assert _study(tmp_path, server, 2, 6) == (True, ["tests and exports trial 6"])
    assert (server.finished(), _finished(tmp_path, 6)) == ([(6, "finish")], [4, 6])


def test_a_study_that_was_stopped_or_killed_meanwhile_finishes_the_others(tmp_path: Path) -> None:
    server = PhasedServer()
    ended, _ = _study(tmp_path, server, 3, 4, iter([False, True]))
    assert not ended
    assert (server.finished(), _finished(tmp_path, 4)) == ([(2, "finish"), (4, "finish")], [2, 4])
    assert _study(tmp_path, server, 3, 4) == (True, ["tests and exports trial 3"])
    assert (server.finished(), _finished(tmp_path, 4)) == ([(3, "finish")], [2, 3, 4])


def test_one_that_was_stopped_early_is_not_trained_on(tmp_path: Path) -> None:
    assert _study(tmp_path, PhasedServer(failing=[1]), 1, 1)[0]
    ledger, server = Ledger(tmp_path, job(max_trials=1), 0), PhasedServer()
    ledger.put(*(dataclasses.replace(trial, stopped_early=True) for trial in ledger.trials))
    assert _study(tmp_path, server, 1, 1)[0]
    assert server.finished() == [(1, "stopped")]


def test_says_why_a_trial_has_no_model_and_tries_again(tmp_path: Path) -> None:
    server = PhasedServer(failing=[2])
    said = "trial 2 has no model: exit status 4: trial 2 says why; the same command tries again"
    for _ in range(2):
        assert _study(tmp_path, server, 1, 3) == (True, ["tests and exports trial 2", said])
    assert _finished(tmp_path, 3) == []


def test_trials_that_all_keep_their_models_finish_themselves(tmp_path: Path) -> None:
    server = PhasedServer()
    assert _study(tmp_path, server, 0, 3) == (True, [])
    assert server.phases == [(1, "whole"), (2, "whole"), (3, "whole")]
    assert _finished(tmp_path, 3) == [1, 2, 3]
