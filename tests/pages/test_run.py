"""The report of a run: complete, by itself, accessible, and safe against names that are code."""

import base64
import datetime
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pages import runs
from tests.pages.parsed import Page, parsed
from trainer.errors import UsageError
from trainer.pages import page as pages
from trainer.pages.run import facts, report
from trainer.tensorboard import summaries
from trainer.tensorboard.log import TRAIN, VALIDATION, Log

NOW = datetime.datetime(2026, 1, 2, 3, 4)


def _page(root: Path, location: str = "") -> Page:
    return parsed(report.html(_facts(root, location), NOW))


def test_it_has_every_section_of_a_finished_run(tmp_path: Path) -> None:
    found = _page(runs.write(tmp_path / "a"))
    assert [title for level, title in found.headings if level < 3] == [
        "Run a",
        "Result",
        "Curves",
        "Confusion",
        "Worst mistakes",
        "What decides",
        "Filters and feature maps",
        "More pictures",
        "Network",
        "Data",
        "Configuration",
        "Predict, resume, reproduce",
    ]
    for said in (
        "75.00%",
        "95 % interval (Wilson): 30.06 to 95.44%",
        "finished, 2 epochs",
        "Validation images: 3 of 4 correct",
        "Test images: 2 of 4 correct",
        "1 × dog taken for cat",
        "Grad-CAM is the most faithful method",
        "100% of the images of class cat are.",
        "The worst mistakes on test images true predicted probability 1 cat dog 62.5%",
        "conv|1 320",
        "1,234 parameters",
        "cat/broken.png: an empty file",
        "validation part of 4 images, as cat",
        f"python -m trainer.predict --model={tmp_path}/a/model",
        "python -m trainer.task --filters=4 --precision=float32",
        "Written on 02 January 2026 at 03:04",
    ):
        assert said in found.text, said


def test_it_shows_the_last_picture_of_each_tag(tmp_path: Path) -> None:
    found = _page(runs.write(tmp_path))
    last = summaries.png(np.full((20, 30, 3), 99 + 20, np.uint8))
    assert sum(image["src"].endswith(base64.b64encode(last).decode()) for image in found.of("img")) == 4


@pytest.mark.parametrize(
    "names",
    [
        ("<script>alert(1)</script>", '"onload="alert(1)'),
        ("</style><img src=x onerror=alert(1)>", "a&b"),
        ("\u05d0\u05d1<b>", "a\nb"),
    ],
)
def test_hostile_names_are_texts(names: tuple[str, str], tmp_path: Path) -> None:
    found = _page(runs.write(tmp_path, names, configuration={"data": names[0], "epochs": 2}))
    for name in names:
        assert name.replace("\n", "\\n") in found.texts


@pytest.mark.parametrize(
    ("flag", "value", "shown"),
    [
        ("api_token", "abc123", "(hidden)"),
        ("data", "https://me:abc123@host/x", "https://(hidden)@host/x"),
        ("data", "gs://b/x?X-Goog-Signature=abc123&y=1", "gs://b/x?X-Goog-Signature=(hidden)&y=1"),
    ],
)
def test_secrets_are_hidden(flag: str, value: str, shown: str, tmp_path: Path) -> None:
    root = runs.write(tmp_path, configuration={"epochs": 2, flag: value})
    log = Log(root / "logs")
    log.add("", summaries.text("command_line", f"    python -m trainer.task '--{flag}={value}'"), 1)
    log.close()
    content = report.html(_facts(root, "run"), NOW)
    assert "abc123" not in content
    assert shown in parsed(content).text


def test_a_run_that_is_not_finished_says_how_far_it_is(tmp_path: Path) -> None:
    root = runs.write(tmp_path, is_finished=False, configuration={"data": "digits", "epochs": 14})
    found = _page(root)
    assert "stopped, epoch 2 of 14" in found.text
    assert f"python -m trainer.task --filters=4 --job_dir={root}" in found.text, "it is resumed"
    assert "Confusion" not in found.text
    lock = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert "running, epoch 3 of 14" in _page(root).text
    finally:
        os.close(lock)
    assert "not finished, epoch 2 of 14" in _page(root, "gs://bucket/run").text


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("macro_f1", (0.25, 0.5), "Best val_macro_f1: 0.5000, after epoch 2; at the end 0.5000."),
        ("macro_f1", (0.5, 0.25), "Best val_macro_f1: 0.5000, after epoch 1; at the end 0.2500."),
        ("loss", (), "Best val_loss: 0.5000, after epoch 2; at the end 0.5000."),
    ],
)
def test_it_has_the_metric_that_decides(name: str, values: tuple[float, ...], said: str, tmp_path: Path) -> None:
    root = runs.write(tmp_path, configuration={"epochs": 2, "metric": name})
    record = json.loads((root / "hparams.json").read_text())
    (root / "hparams.json").write_text(json.dumps({**record, "outcome": {f"test_{name}": 0.125}}))
    log = Log(root / "logs")
    for step, value in zip((10, 20), values, strict=False):
        log.add(VALIDATION, summaries.scalar(name, value), step)
    log.close()
    found = _page(root)
    assert f"{said} On the test images, {name} is 0.1250." in found.text
    assert found.texts.count(f"validation {name}") == 1, "a column of the numbers"
    assert found.texts.count(f"training {name}") == (name == "loss"), "the others are of evaluations alone"


def test_a_run_whose_files_are_missing_or_broken_still_has_a_report(tmp_path: Path) -> None:
    (tmp_path / "hparams.json").write_text(json.dumps({"configuration": {}}))
    assert "stopped, epoch 0" in _page(tmp_path).text
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "latest.json").write_bytes(b"\xff{")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "events.out.tfevents.1").write_bytes(b"broken")
    assert "No epoch is complete yet." in _page(tmp_path).text


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "which contains neither hparams.json nor study.json"), ("{", "(hparams.json: unreadable)")],
)
def test_rejects_a_folder_without_a_run(content: str | None, message: str, tmp_path: Path) -> None:
    if content:
        (tmp_path / "hparams.json").write_text(content)
    with pytest.raises(UsageError, match="must be the folder of a run or of a study") as raised:
        _facts(tmp_path, "there")
    assert message in str(raised.value)


def test_many_large_pictures_stay_below_5_mb(tmp_path: Path) -> None:
    root = runs.write(tmp_path)
    log, random = Log(root / "logs"), np.random.default_rng(0)
    for index in range(6):
        log.add(TRAIN, summaries.image(f"feature_maps/{index}", random.integers(0, 256, (500, 600, 3), np.uint8)), 20)
    log.close()
    found = _page(root)
    assert "3 pictures are only in TensorBoard" in found.text
    assert "Kernels of conv1" in found.text


@pytest.mark.parametrize("classes", [17, 120])
def test_many_classes_are_drawn_or_listed(classes: int, tmp_path: Path) -> None:
    names = tuple(f"class {index}" for index in range(classes))
    found = _page(runs.write(tmp_path, names))
    matrices = [image for image in found.of("img") if image["alt"].startswith("The confusion matrix")]
    assert len(matrices) == (2 if classes == 17 else 0)
    assert "1 × class 0 taken for class 1" in found.text


@pytest.mark.parametrize("content", ["notes", "<!doctype html><title>mine</title>"])
def test_a_file_that_is_no_report_stays(content: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(content)
    with pytest.raises(UsageError, match="must be a new file or replace a report"):
        pages.write(path, "x")
    assert path.read_text() == content


def test_it_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, content = tmp_path / "report.html", report.html(_facts(runs.write(tmp_path / "run"), "run"), NOW)
    pages.write(path, content)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        pages.write(path, content + "new")
    assert path.read_text() == content


def _facts(root: Path, location: str = "") -> facts.Run:
    shell = facts.Shell(folder="/home/someone", python="python", model=f"{root}/model", logs=f"{root}/logs")
    return facts.read(facts.Folders.below(root), location or str(root), shell)
