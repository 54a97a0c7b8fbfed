import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.study.jobs import job
from tests.study.local.test_runner import ScriptedServer, suggest
from trainer.errors import StorageError
from trainer.study.local import models
from trainer.study.local.ledger import Ledger
from trainer.study.local.runner import Runner
from trainer.study.trial import ACTIVE, INFEASIBLE, SUCCEEDED, Measurement, Trial

_HEAVY = ("checkpoints/8/a.state", "checkpoints/4/b.shared", "model/model.keras", "model/variables/variables.index")
_LIGHT = (
    "checkpoints/latest.json", "checkpoints/8/manifest.json", "model/model.json", "model/README.md",
    "model/sample.png", "logs/events", "hparams.json", "log.txt",
)  # fmt: skip


def _leave(root: Path) -> None:
    for name in (*_HEAVY, *_LIGHT):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def _with_models(folder: Path) -> list[int]:
    return sorted(int(root.name) for root in folder.glob("[0-9]*") if all((root / name).exists() for name in _HEAVY))


def _trial(number: int, value: float, state: str = SUCCEEDED) -> Trial:
    measured = (Measurement(1, value),) if state != INFEASIBLE else ()
    return Trial(id=number, parameters={}, state=state, measurements=measured)


@pytest.mark.parametrize(
    ("count", "maximize", "kept"),
    [(0, True, [1, 2, 3, 4, 5]), (1, True, [3, 4]), (1, False, [2, 3]), (2, True, [1, 3, 4]), (9, True, [1, 2, 3, 4])],
)
def test_keeps_the_best_and_those_that_run(tmp_path: Path, count: int, maximize: bool, kept: list[int]) -> None:
    states = (SUCCEEDED, SUCCEEDED, ACTIVE, SUCCEEDED, INFEASIBLE)
    trials = [_trial(number, value, state) for number, value, state in zip(
        range(1, 6), (0.6, 0.5, 0.1, 0.6 if not maximize else 0.7, 0.0), states, strict=True)]  # fmt: skip
    for trial in trials:
        _leave(tmp_path / str(trial.id))
    for _ in range(2):  # as after a kill
        models.keep_best(tmp_path, job(maximize=maximize), trials, count)
    assert _with_models(tmp_path) == kept
    for trial in trials:
        root = tmp_path / str(trial.id)
        assert all((root / name).exists() for name in _LIGHT)
        if trial.id not in kept:
            assert not any((root / name).exists() for name in _HEAVY)


def test_nothing_is_deleted_of_a_trial_that_left_nothing(tmp_path: Path) -> None:
    models.keep_best(tmp_path, job(), [_trial(1, 0.5), _trial(2, 0.6)], 1)
    assert list(tmp_path.iterdir()) == []


class _Leaving(ScriptedServer):
    """A server whose trials leave models."""

    def start(self, trial: int, arguments: Sequence[str], *rest: object) -> None:
        super().start(trial, arguments, *rest)  # type: ignore[arg-type]
        _leave(self._running[trial].parent)


def _runner(folder: Path, server: ScriptedServer, keep: int, trials: int = 5) -> Runner:
    clock = itertools.count(1000.0)
    return Runner(
        Ledger(folder, job(max_trials=trials), 0),
        server,  # type: ignore[arg-type]
        suggest,
        variables={},
        cores=[0, 1],
        keep_models=keep,
        clock=lambda: next(clock),
    )


def test_a_study_keeps_the_models_of_the_best_so_far(tmp_path: Path) -> None:
    """Also one that goes on with more trials, and one that was killed between its record and the deletion."""
    values = (0.5, 0.8, 0.6, 0.9, 0.7, 0.95)
    server, seen = _Leaving(lambda trial: ([values[trial - 1]], 0)), []
    _runner(tmp_path, server, 2).run(lambda: False, lambda trials: seen.append(len(_with_models(tmp_path))))
    assert _with_models(tmp_path) == [2, 4]
    assert max(seen) <= 4, "two of the best and two that run"
    _leave(tmp_path / "1")
    _runner(tmp_path, server, 2, trials=6).run(lambda: False, lambda trials: None)
    assert _with_models(tmp_path) == [4, 6]
    _runner(tmp_path, server, 1, trials=6).run(lambda: False, lambda trials: None)
    assert _with_models(tmp_path) == [6]


def test_reports_what_cannot_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    server = _Leaving(lambda trial: ([trial / 10], 0))
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageError, match=r"/1/checkpoints/.* cannot be deleted: Permission denied"):
        _runner(tmp_path, server, 1).run(lambda: False, lambda trials: None)
