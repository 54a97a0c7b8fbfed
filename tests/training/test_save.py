import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest

from trainer.errors import DivergedError, StorageError
from trainer.training.checkpoint import Store
from trainer.training.metric import MetricReport
from trainer.training.report import ReportMetric
from trainer.training.save import Every, SaveCheckpoint


class Run:
    """Ten steps an epoch, and a clock."""

    def __init__(self, folder: Path, every: str):
        self.epoch = self.steps_in_epoch = 0
        self.now = 0.0
        self.store = Store(folder, {})
        self.callback = SaveCheckpoint(self.store, self.state, Every.read(every), clock=lambda: self.now)
        self.callback.set_params({"steps": 10})
        self.callback.on_train_begin()
        self.callback.on_epoch_begin(0)

    def state(self) -> dict[str, Any]:
        step = 10 * self.epoch + self.steps_in_epoch
        position = {"stage": 0, "epoch": self.epoch, "steps_in_epoch": self.steps_in_epoch}
        return {"step": step, "stop_training": False, **position}

    def step(self, steps: int, seconds: float) -> None:
        self.steps_in_epoch, self.now = self.steps_in_epoch + steps, self.now + seconds
        self.callback.on_train_batch_end(self.steps_in_epoch - 1)

    def end_epoch(self, accuracy: float, loss: float = 1.0) -> None:
        self.epoch, self.steps_in_epoch = self.epoch + 1, 0
        self.callback.on_epoch_end(self.epoch - 1, {"val_accuracy": accuracy, "val_loss": loss})
        self.callback.on_epoch_begin(self.epoch)

    def saved(self) -> int:
        self.callback.wait()
        found = self.store.newest(lambda line: None)
        return found[0]["step"] if found else 0


@pytest.mark.parametrize("text", ["4", "30s"])
def test_saves_every_so_often(tmp_path: Path, text: str) -> None:
    run = Run(tmp_path, text)
    run.step(3, 29)
    assert run.saved() == 0
    run.step(1, 1)
    assert run.saved() == 4
    run.step(2, 20)
    assert run.saved() == 4
    run.step(2, 10)
    assert run.saved() == 8


def test_saves_at_the_end_of_each_epoch_and_knows_the_best(tmp_path: Path) -> None:
    run = Run(tmp_path, "30s")
    for accuracy, loss, best in ((0.5, 1, 10), (0.7, 2, 20), (0.7, 2, 20), (0.7, 1.5, 40), (0.6, 0.5, 40)):
        run.end_epoch(accuracy, loss)
        manifest, _ = (run.saved(), run.store.newest(print))[1] or ({}, b"")
        assert (manifest["step"], manifest["best"]) == (10 * run.epoch, best)
        assert manifest["results"] == {"val_accuracy": accuracy, "val_loss": loss}


def test_saves_nothing_twice(tmp_path: Path) -> None:
    run = Run(tmp_path, "30s")
    run.end_epoch(0.5)
    run.callback.wait()
    written = (tmp_path / "latest.json").stat().st_mtime_ns
    run.callback.save()
    run.callback.wait()
    assert (tmp_path / "latest.json").stat().st_mtime_ns == written


def test_does_not_save_what_it_goes_on_from(tmp_path: Path) -> None:
    """What came after it, such as TensorBoard's conclusion at the end of a run, comes again in the next process."""
    run = Run(tmp_path, "30s")
    run.end_epoch(0.5)
    run.callback.wait()
    resumed = SaveCheckpoint(run.store, run.state, Every(), resumed=run.state())
    written = (tmp_path / "latest.json").stat().st_mtime_ns
    resumed.save()
    resumed.wait()
    assert (tmp_path / "latest.json").stat().st_mtime_ns == written


def test_training_does_not_wait_for_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, disk = Run(tmp_path, "1"), threading.Event()
    write = Store.write
    monkeypatch.setattr(Store, "write", lambda *arguments, **named: (disk.wait(60), write(*arguments, **named)))
    run.step(1, 1)
    run.step(1, 1)
    run.step(1, 1)
    disk.set()
    assert run.saved() == 1
    run.step(1, 1)
    assert run.saved() == 4


def test_a_disk_that_takes_no_more_is_told_at_the_next_steps(tmp_path: Path) -> None:
    run = Run(tmp_path, "2")
    (tmp_path / "2").touch()  # where a folder is to be
    run.step(2, 1)
    with pytest.raises(StorageError, match=f"the checkpoint in {tmp_path} cannot be written: (File exists|Not a dir)"):
        run.callback.wait()


def test_a_run_that_goes_on_reports_its_former_metrics_again(tmp_path: Path) -> None:
    first = ReportMetric(MetricReport(str(tmp_path / "first")))
    for epoch, accuracy in enumerate((0.5, 0.75)):
        first.on_epoch_end(epoch, {"val_accuracy": accuracy})
    second = ReportMetric(MetricReport(str(tmp_path / "second")))
    second.set_state(first.get_state())
    second.on_epoch_end(2, {"val_accuracy": 0.6})
    lines = [json.loads(line) for line in (tmp_path / "second").read_text().splitlines()]
    assert [(line["global_step"], line["val_accuracy"]) for line in lines] == [
        ("1", "0.5"),
        ("2", "0.75"),
        ("3", "0.6"),
    ]
    assert second.get_state() == {"reported": [(0.5, 1), (0.75, 2), (0.6, 3)]}


def test_a_metric_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    callback = ReportMetric(MetricReport(str(tmp_path / "metrics")))
    with pytest.raises(DivergedError, match="val_accuracy is nan after epoch 1"):
        callback.on_epoch_end(0, {"val_accuracy": math.nan})
