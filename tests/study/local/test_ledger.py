import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.study.jobs import FILTERS, JOB, job
from trainer.errors import StorageError, UsageError
from trainer.study.local.ledger import NAME, Ledger
from trainer.study.spec import Job
from trainer.study.trial import INFEASIBLE, SUCCEEDED, Measurement, Trial

DONE = Trial(
    id=1, parameters={"filters": 8.0, "padding": "same"}, state=SUCCEEDED, measurements=(Measurement(1, 0.5, 2.0),)
)
FAILED = Trial(id=2, parameters={"filters": 4.0}, state=INFEASIBLE, reason="diverged", log="one\ntwo")


def test_another_ledger_of_the_folder_has_the_same_trials(tmp_path: Path) -> None:
    Ledger(tmp_path, JOB, 0).put(DONE, FAILED)
    assert Ledger(tmp_path, JOB, 0).trials == (DONE, FAILED)


def test_a_trial_takes_the_place_of_that_with_its_number(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, JOB, 0)
    ledger.put(FAILED, DONE)
    changed = dataclasses.replace(FAILED, reason="another")
    ledger.put(changed)
    assert ledger.trials == (DONE, changed)


def test_tells_a_program_what_it_wants(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, JOB, 7)
    ledger.put(DONE, FAILED)
    ledger.conclude("SUCCEEDED", {"importance": {"filters": 1.0}})
    record = json.loads((tmp_path / NAME).read_text())
    assert record["state"] == "SUCCEEDED"
    assert record["metric"] == "val_accuracy"
    assert record["best"] == {"trial": 1, "parameters": DONE.parameters, "step": 1, "value": 0.5, "seconds": 2.0}
    assert record["conclusion"] == {"importance": {"filters": 1.0}}
    assert [trial["state"] for trial in record["trials"]] == ["SUCCEEDED", "INFEASIBLE"]
    assert (record["stopping"], record["budget"], record["seconds"]) == ("", 0.0, 0.0)
    assert record["arguments"] == ["--data=digits", "--epochs=2"]


def test_more_trials_are_the_same_study(tmp_path: Path) -> None:
    Ledger(tmp_path, JOB, 0).put(DONE)
    assert Ledger(tmp_path, job(max_trials=9, parallel_trials=1, max_failed_trials=5), 0).trials == (DONE,)


@pytest.mark.parametrize(
    ("other", "seed", "said"),
    [
        (job(parameters=(FILTERS,)), 0, r"\(parameters: learning_rate, padding\)"),
        (
            job(parameters=(dataclasses.replace(FILTERS, values=(4.0,)), *JOB.parameters[1:])),
            0,
            r"\(parameters: filters\)",
        ),
        (job(arguments=("--data=digits",)), 0, r"\(arguments: --data=digits --epochs=2 before, --data=digits now\)"),
        (JOB, 1, r"\(seed: 0 before, 1 now\)"),
        (job(metric="loss"), 0, r"\(metric: val_accuracy before, loss now\)"),
    ],
)
def test_rejects_another_study(tmp_path: Path, other: Job, seed: int, said: str) -> None:
    Ledger(tmp_path, JOB, 0).put(DONE)
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(UsageError, match=said):
        Ledger(tmp_path, other, seed)
    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2, "trials": []}', '{"format": 1}', "\xff", "[" * 100_000]
)
def test_rejects_a_file_that_is_no_study(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content, encoding="latin-1")
    with pytest.raises(UsageError, match="must be empty or contain a study of this program"):
        Ledger(tmp_path, JOB, 0)


@pytest.mark.parametrize("names", [["hparams.json", "model/"], ["cat/"], ["notes.md", ".git/"], ["1/"]])
def test_rejects_a_folder_of_something_else(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    with pytest.raises(UsageError) as raised:
        Ledger(tmp_path, JOB, 0)
    assert str(raised.value) == (
        "`--job_dir` must be new, empty, or contain a study. Received: "
        f"{tmp_path}, which contains {names[0].rstrip('/')}"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(name.rstrip("/") for name in names)


def test_hidden_files_are_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    (tmp_path / ".gitkeep").touch()
    Ledger(tmp_path, JOB, 0).put(DONE)
    (tmp_path / "1").mkdir()
    (tmp_path / "notes.txt").touch()  # a study's own folder may hold more
    assert Ledger(tmp_path, JOB, 0).trials == (DONE,)


@pytest.mark.parametrize(
    "change",
    [
        {"measurements": [{"step": 1, "vlue": 0.5, "seconds": 1.0}]},  # found by tests.fuzz: study-1-36
        {"measurements": [{"step": 1, "value": None, "seconds": 1.0}]},
        {"measurements": [{"step": 1, "value": float("nan"), "seconds": 1.0}]},
        {"measurements": 7},
        {"state": "UNKNOWN"},
        {"parameters": ["filters"]},
        {"started": "yesterday"},
        {"id": "one"},
    ],
)
def test_rejects_a_trial_that_is_none(tmp_path: Path, change: dict[str, object]) -> None:
    Ledger(tmp_path, JOB, 0).put(DONE)
    record = json.loads((tmp_path / NAME).read_text())
    record["trials"][0] |= change
    (tmp_path / NAME).write_text(json.dumps(record))
    with pytest.raises(UsageError, match="study.json, unreadable$"):
        Ledger(tmp_path, JOB, 0)


@pytest.mark.parametrize(
    "change",
    [{"arguments": 7.0}, {"arguments": [{}]}, {"parameters": None}, {"parameters": [{}]}, {"selection": ["a"]}],
)
def test_a_study_that_somebody_changed_is_another_one(tmp_path: Path, change: dict[str, object]) -> None:
    Ledger(tmp_path, JOB, 0).put(DONE)  # found by tests.fuzz: study-1-84, study-1-190
    record = json.loads((tmp_path / NAME).read_text())
    (tmp_path / NAME).write_text(json.dumps(record | change))
    with pytest.raises(
        UsageError, match=f"must be new, or contain a study of the same configuration.*{next(iter(change))}: "
    ):
        Ledger(tmp_path, JOB, 0)


def test_a_full_disk_has_a_name(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "gone", JOB, 0)
    with pytest.raises(StorageError, match=r"study.json cannot be written"):
        ledger.put(DONE)


def test_two_studies_on_one_folder_are_refused(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path, JOB, 0), Ledger(tmp_path, JOB, 0)
    with (
        first.claimed(print, lambda: False),
        pytest.raises(UsageError, match="no other study runs in"),
        second.claimed(print, lambda: False),
    ):
        raise AssertionError
    with second.claimed(print, lambda: False):
        pass


def test_waits_for_the_trials_of_a_killed_study(tmp_path: Path) -> None:
    ledger, said = Ledger(tmp_path, JOB, 0), list[str]()
    with ledger.claimed(said.append, lambda: False) as lock:
        trial = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    waits = list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            trial.communicate(b"\n")

    with Ledger(tmp_path, JOB, 0).claimed(said.append, lambda: False, wait):
        assert trial.returncode == 0
    assert said == ["waiting until the trials of the previous study save and end"]
    assert len(waits) == 3


def test_does_not_wait_for_ever(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, JOB, 0)
    with ledger.claimed(print, lambda: False) as lock:
        trial = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    with (
        pytest.raises(UsageError, match="no trial of a previous study writes to"),
        Ledger(tmp_path, JOB, 0).claimed(lambda line: None, lambda: False, lambda seconds: None),
    ):
        raise AssertionError
    trial.communicate(b"\n")
