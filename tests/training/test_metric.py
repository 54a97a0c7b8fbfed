import json
import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypertune
import numpy as np
import pytest

from trainer.errors import DivergedError, StorageError
from trainer.metrics import METRICS, Metric
from trainer.training.metric import RESERVED, MetricReport


@pytest.fixture(autouse=True)
def trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "3")
    monkeypatch.delenv("CLOUD_ML_HP_METRIC_FILE", raising=False)


def _entries(file: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [(line["val_accuracy"], line["global_step"], line["trial"]) for line in lines]


def test_writes_what_the_library_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = tmp_path / "new" / "metrics", tmp_path / "other" / "metrics"
    monkeypatch.setattr("time.time", lambda: 1.7e9)
    report = MetricReport(str(ours))
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(theirs))
    plain = hypertune.HyperTune()
    for step, value in enumerate((0.5, 0.75, np.float32(0.1)), 1):
        report(value, step)
        plain.report_hyperparameter_tuning_metric("val_accuracy", value, global_step=step)
        assert ours.read_bytes() == theirs.read_bytes()
    assert _entries(ours)[:2] == [("0.5", "1", "3"), ("0.75", "2", "3")]
    assert report.reported == [(0.5, 1), (0.75, 2), (pytest.approx(0.1), 3)]
    assert [path.name for path in ours.parent.iterdir()] == ["metrics"]


def test_a_reader_never_finds_nothing_or_half(tmp_path: Path) -> None:
    file, done = tmp_path / "metrics", threading.Event()
    report = MetricReport(str(file))
    report(0.0, 1)

    def read() -> list[int]:
        steps = []
        while not done.is_set() or not steps:
            lines = file.read_text().splitlines()
            steps.append(max(int(json.loads(line)["global_step"]) for line in lines))
        return steps

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        for step in range(2, 400):
            report(step / 400, step)
        done.set()
        steps = reader.result()
    assert steps == sorted(steps)
    assert len(file.read_text().splitlines()) == 100, "the library keeps the last hundred"


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_library_gets_the_tag_of_the_metric(metric: Metric, tmp_path: Path) -> None:
    report = MetricReport(str(tmp_path / "metrics"), metric)
    report(0.25, 1)
    (entry,) = [json.loads(line) for line in (tmp_path / "metrics").read_text().splitlines()]
    assert {name: entry[name] for name in entry if name not in RESERVED} == {metric.tag: "0.25"}
    with pytest.raises(DivergedError, match=f"{metric.tag} is nan after epoch 2"):
        report(math.nan, 2)


def test_takes_a_file_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", "metrics")
    with pytest.raises(FileNotFoundError):
        hypertune.HyperTune()
    report = MetricReport("metrics")
    monkeypatch.chdir("/")
    report(0.5, 1)
    assert _entries(tmp_path / "metrics") == [("0.5", "1", "3")]


def test_trials_that_make_one_folder_at_once_do_not_race(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from trainer.training.metric import MetricReport\n"
        "for count in range(50):\n"
        "    MetricReport(f'{sys.argv[1]}/{count}/deep/{sys.argv[2]}')(count / 50, 1)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    trials = [subprocess.Popen([*command, name], cwd=Path(__file__).parents[2]) for name in "abc"]
    assert [trial.wait() for trial in trials] == [0, 0, 0]
    assert len([*tmp_path.glob("*/deep/?")]) == 150


@pytest.mark.parametrize("before", [None, "/elsewhere/metrics"])
def test_leaves_the_environment_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    if before:
        monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", before)
    MetricReport(str(tmp_path / "metrics"))(0.5, 1)
    assert os.environ.get("CLOUD_ML_HP_METRIC_FILE") == before
    assert _entries(tmp_path / "metrics") == [("0.5", "1", "3")]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_value_that_is_not_finite_is_a_failure_and_not_reported(tmp_path: Path, value: float) -> None:
    report = MetricReport(str(tmp_path / "metrics"))
    report(0.5, 1)
    with pytest.raises(DivergedError, match=r"val_accuracy is -?(nan|inf) after epoch 2"):
        report(value, 2)
    assert _entries(tmp_path / "metrics") == [("0.5", "1", "3")]
    assert report.reported == [(0.5, 1)]


def test_former_reports_are_made_again_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "metrics"
    first = MetricReport(str(file))
    for step in (1, 2, 3):
        first(step / 10, step)
    replaced: list[int] = []
    replace = Path.replace

    def counting(self: Path, target: Path) -> Path:
        replaced.append(len(self.read_text().splitlines()))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", counting)
    second = MetricReport(str(file))
    assert _entries(file)[-1][1] == "3", "what was there stays until there is something new"
    second.again(first.reported[:2])
    second(0.35, 3)
    assert replaced == [3, 2, 3]
    assert [(value, step) for value, step, _ in _entries(file)] == [("0.1", "1"), ("0.2", "2"), ("0.35", "3")]


def test_a_link_stays_one_and_rights_stay_what_they_were(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "metrics", tmp_path / "link"
    real.parent.mkdir()
    real.touch()
    real.chmod(0o606)
    link.symlink_to(real)
    MetricReport(str(link))(0.5, 1)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o606
    assert _entries(real) == [("0.5", "1", "3")]


def test_writes_in_place_what_cannot_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Path, target: Path) -> None:  # a file that is mounted by itself
        raise OSError(16, "Device or resource busy")

    file = tmp_path / "metrics"
    file.touch()
    monkeypatch.setattr(Path, "replace", busy)
    inode = file.stat().st_ino
    report = MetricReport(str(file))
    report(0.5, 1)
    assert _entries(file) == [("0.5", "1", "3")]
    assert file.stat().st_ino == inode


def test_a_device_is_never_replaced() -> None:
    MetricReport("/dev/null")(0.5, 1)
    assert Path("/dev/null").is_char_device()


def test_rejects_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StorageError, match=f"the metric file {tmp_path}/file/metrics cannot be written: Not a directory"
    ):
        MetricReport(f"{tmp_path}/file/metrics")
    with pytest.raises(StorageError, match=f"the metric file {tmp_path} cannot be written: Is a directory"):
        MetricReport(str(tmp_path))


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    report = MetricReport("/dev/full")
    with pytest.raises(StorageError, match="the metric file /dev/full cannot be written: No space left on device"):
        report(0.5, 1)


def test_the_metric_takes_no_other_field_s_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(tmp_path / "metrics"))
    library = hypertune.HyperTune()
    library.report_hyperparameter_tuning_metric("anything", 0.5, global_step=1)
    (line,) = (tmp_path / "metrics").read_text().splitlines()
    assert {*json.loads(line)} == {*RESERVED, "anything"}
    assert not {one.tag for one in METRICS.values()} & {*RESERVED}
