"""The command as a person has it: real processes, real signals, real digits."""

import contextlib
import io
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.trials import wait_for
from trainer.study.__main__ import main

_CONFIG = """
displayName: small
studySpec:
  metrics:
    - {metricId: val_accuracy, goal: MAXIMIZE}
  measurementSelectionType: BEST_MEASUREMENT
  parameters:
    - parameterId: filters
      discreteValueSpec: {values: [4, 8]}
      scaleType: UNIT_LOG_SCALE
    - parameterId: learning_rate
      doubleValueSpec: {minValue: 0.0001, maxValue: 0.01}
      scaleType: UNIT_LOG_SCALE
    - parameterId: padding
      categoricalValueSpec: {values: [same, valid]}
maxTrialCount: TRIALS
parallelTrialCount: PARALLEL
maxFailedTrialCount: FAILED
trialJobSpec:
  workerPoolSpecs:
    - machineSpec: {machineType: n2-standard-8}
      replicaCount: 1
      containerSpec:
        imageUri: europe-docker.pkg.dev/project/trainer/trainer:latest
        args: [--dense_units=8, --precision=float32, --log_images=never]
"""


def write_config(folder: Path, trials: int, parallel: int = 1) -> Path:
    path = folder / "config.yaml"
    path.write_text(
        _CONFIG.replace("TRIALS", str(trials)).replace("PARALLEL", str(parallel)).replace("FAILED", str(min(trials, 3)))
    )
    return path


def command(config: Path, folder: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "trainer.study", f"--config={config}", f"--job_dir={folder}", *flags]


def record(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "study.json").read_text()))


def results(folder: Path) -> list[tuple[Any, ...]]:
    """Returns what each trial was and measured, without its times."""
    return [
        (
            trial["id"],
            trial["parameters"],
            trial["state"],
            [(one["step"], one["value"]) for one in trial["measurements"]],
        )
        for trial in record(folder)["trials"]
    ]


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(config: Path, folder: Path, *flags: str) -> tuple[int, str]:
    """Runs the command in this process, and returns its exit status and what it prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = main([f"--config={config}", f"--job_dir={folder}", *flags], os.environ)
    return status, output.getvalue()


@pytest.mark.slow
def test_a_study_that_was_killed_ends_like_one_that_was_not(tmp_path: Path) -> None:
    config, whole, torn = write_config(tmp_path, 3), tmp_path / "whole", tmp_path / "torn"
    flags = ["--data=digits", "--epochs=6", "--checkpoint_every=5"]
    status, output = run(config, whole, *flags)
    assert status == 0, output
    assert f"python -m trainer.tensorboard --logdir={whole}" in output.replace("'", "")
    for trial in (1, 3):
        process = start(command(config, torn, *flags))
        wait_for(torn / str(trial) / "log.txt", "epoch 1/", process.pid)
        process.kill()
        process.communicate()
    process = start(command(config, torn, *flags))
    said = list(itertools.takewhile(lambda line: not line.startswith("tests and exports"), process.stdout or ()))
    assert "resumes with 2 of 3 trials done\n" in said
    process.kill()  # while the best trial is finished
    process.communicate()
    process = start(command(config, torn, *flags))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "resumes with 3 of 3 trials done" in output
    assert results(torn) == results(whole)
    found, best = record(whole)["conclusion"]["test"], record(whole)["best"]["trial"]
    assert found["trial"] == best
    assert record(torn)["conclusion"]["test"] == found
    assert f"Trial {best} on the test part" in output
    for folder in (whole, torn):
        assert [path.parts[-3] for path in folder.glob("*/model/model.keras")] == [str(best)]
        assert [path.parts[-2] for path in folder.glob("*/report.html")] == [str(best)]
    assert [trial[0] for trial in results(torn)] == [1, 2, 3]
    assert run(config, torn, *flags)[0] == 0
    assert results(torn) == results(whole)


def test_one_interrupt_has_the_trials_save(tmp_path: Path) -> None:
    config, folder = write_config(tmp_path, 2, parallel=2), tmp_path / "study"
    process = start(command(config, folder, "--data=digits", "--epochs=1000"))
    for trial in (1, 2):
        wait_for(folder / str(trial) / "log.txt", "epoch 1/", process.pid)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "trainer: stopped; the same command with its --job_dir resumes the study"
    assert [trial["state"] for trial in record(folder)["trials"]] == ["ACTIVE", "ACTIVE"]
    for trial in (1, 2):
        assert "trainer: stopped; " in (folder / str(trial) / "log.txt").read_text()


def test_a_study_whose_trials_all_fail_says_why(tmp_path: Path) -> None:
    config, folder = write_config(tmp_path, 5), tmp_path / "study"
    status, output = run(config, folder, "--data=digits", "--batch_size=100000")
    assert status == 1
    assert "`--batch_size` must be at most the number of training samples" in output
    states = [trial["state"] for trial in record(folder)["trials"]]
    assert states == ["INFEASIBLE"] * 3


@pytest.mark.slow
def test_a_study_ends_where_all_combinations_have_been_tried(tmp_path: Path) -> None:
    config, folder = write_config(tmp_path, 20, parallel=2), tmp_path / "study"
    text = config.read_text()
    begin, end = text.index("    - parameterId: learning_rate"), text.index("    - parameterId: padding")
    config.write_text(text[:begin] + text[end : text.index("maxTrialCount")] + text[text.index("maxTrialCount") :])
    status, output = run(config, folder, "--data=digits", "--epochs=1")
    assert status == 0, output
    line = "the parameters have 4 combinations, and all have been tried: the study ends before 20 trials"
    assert output.splitlines().count(line) == 1
    found = record(folder)
    assert found["state"] == "SUCCEEDED"
    assert len({tuple(trial["parameters"].items()) for trial in found["trials"]}) == len(found["trials"]) == 4
    assert all(trial["state"] == "SUCCEEDED" for trial in found["trials"])
    assert found["best"]["value"] == max(trial["measurements"][0]["value"] for trial in found["trials"])
    again, output = run(config, folder, "--data=digits", "--epochs=1")
    assert again == 0
    assert "resumes with 4 of 4 trials done" in output
    assert line in output


@pytest.mark.parametrize("name", ["hparams.json", "cat.png"])
@pytest.mark.parametrize("flags", [[], ["--target=vertex", "--watch"], ["--results=1"]])
def test_rejects_a_folder_of_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, flags: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).touch()
    place = ["--project=my-project", "--region=europe-west4", "--bucket=gs://my-bucket"] if flags else []
    config = write_config(tmp_path, 3)
    assert main([f"--config={config}", f"--job_dir={folder}", *flags, *place], {}) == 2
    expected = f"must be new, empty, or contain a study. Received: {folder}, which contains {name}\n"
    assert capsys.readouterr().err == f"trainer: `--job_dir` {expected}"
    assert [path.name for path in folder.iterdir()] == [name]


def test_the_home_folder_is_named_by_a_tilde(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    config = write_config(tmp_path, 3)
    for flag in ("--job_dir=~/photos", "--job_dir=~nobody-of-that-name/photos"):
        assert main([f"--config={config}", flag], {}) == 2
    said = capsys.readouterr().err
    assert f"Received: {tmp_path}/photos, which contains cat.png" in said
    assert "`~` must begin the home folder of an existing user" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--confg=x"], "`--confg` is not a flag. Did you mean --config?"),
        (["--job_dir=gs://bucket/study"], "`--job_dir` of a study must be a folder on this machine."),
        (["--target=vertex", "--keep_models=3"],
         "`--keep_models` must be 0 with `--target=vertex`: the bucket keeps the models of all trials. Received: 3"),
        (["--epochs=-1"], "`--epochs` must be auto, or a whole number of at least 0. Received: -1"),
        (["--filters=3"], "filters"),
        (["--parallel_trial_count=9"], "`--parallel_trial_count` must be at most the number of trials, 3. Received: 9"),
        (["--config=nowhere.yaml"], "nowhere.yaml"),
        (["--target=vertex", "--budget=1h"], "`--budget` must be used with `--target=local`; on Vertex AI,"),
        (["--target=vertex", "--stop=none"], "`--stop` must be auto or config with `--target=vertex`, where"),
    ],
)  # fmt: skip
def test_rejects(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    config = write_config(tmp_path, 3)
    assert main([f"--config={config}", f"--job_dir={tmp_path / 'study'}", *arguments], {}) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_help_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"], {}) == 0
    assert "--isolation" in capsys.readouterr().out
