"""The program as a person or a tuning service starts it: real processes."""

import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests import forked
from trainer import task

SMALL = ("--filters=2", "--dense_units=8", "--epochs=2", "--log_images=never")


def _popen(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return forked.Popen(
        [sys.executable, "-u", "-m", "trainer.task", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _start(
    *arguments: str, folder: Path, run: Callable[..., subprocess.CompletedProcess[str]] = forked.run, **variables: str
) -> subprocess.CompletedProcess[str]:
    return run(
        [sys.executable, "-m", "trainer.task", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "100"} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_trains_and_says_where_everything_is(tmp_path: Path) -> None:
    done = _start(*SMALL, folder=tmp_path, run=subprocess.run)
    assert done.returncode == 0
    assert done.stderr == "", "TensorFlow's chatter is not shown"
    (root,) = (tmp_path / "runs").iterdir()
    name = f"runs/{root.name}"
    named, counts, first, second, leaves, *lines = done.stdout.splitlines()
    assert named == f"run in {name}"
    assert counts == "1,797 images of 10 classes: 1,293 training, 144 validation, 360 test"
    said = re.fullmatch(r"leaves up to [\d.]+ .B of weights: 2 checkpoints of ([\d.]+) (.)B, .*", leaves)
    assert said, leaves
    checkpoints = sum(path.stat().st_size for path in root.glob("checkpoints/*/*.state"))
    assert checkpoints == pytest.approx(2 * float(said[1]) * {"k": 1e3, "M": 1e6}[said[2]], abs=1.2e5)
    assert first.startswith("precision ")
    assert second.startswith("recipe few_grey: for fewer than 3,000 grey images of up to 32 x 32 pixels")
    assert [line.split("  ")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert re.fullmatch(r"test accuracy \d+\.\d\d% \(\d+\.\d\d to \d+\.\d\d%, 360 images\)", lines[2])
    assert re.fullmatch(r"  training     \d+\.\d s at [\d,]+ images/s", lines[3])
    assert [line.split() for line in lines[4:8]] == [
        ["logs", f"{name}/logs"],
        ["checkpoints", f"{name}/checkpoints"],
        ["model", f"{name}/model/model.keras"],
        ["report", f"{name}/report.html"],
    ]
    assert lines[-3].endswith(f"-m trainer.predict --model={name}/model {name}/model/sample.png")
    assert lines[-1].endswith(f"-m trainer.tensorboard --logdir={name}/logs")
    assert (root / "model" / "model.keras").is_file()
    assert list((root / "logs" / "train").iterdir())

    again = _start(*SMALL, f"--job_dir={name}", folder=tmp_path)
    assert again.returncode == 0
    assert again.stdout.splitlines()[:2] == [lines[2], "  training     already finished"]


def test_quiet_leaves_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [*SMALL, "--epochs=1", "--report=no", f"--job_dir={tmp_path}"]
    assert task.main([*flags, "--quiet"], {}) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("test accuracy ")
    assert task.main([*flags, "--quiet", "--verbose"], {}) == 2
    assert capsys.readouterr().err == "trainer: `--quiet` must be used without `--verbose`. Received: both\n"


def test_vertex_redirects_the_output_and_reads_the_metric(tmp_path: Path) -> None:
    done = _start(
        *SMALL,
        "--filters=2.0",
        folder=tmp_path,
        AIP_MODEL_DIR=f"{tmp_path}/base/1/model/",
        AIP_CHECKPOINT_DIR=f"{tmp_path}/base/1/checkpoints/",
        AIP_TENSORBOARD_LOG_DIR=f"{tmp_path}/base/1/logs/",
        CLOUD_ML_HP_METRIC_FILE=f"{tmp_path}/metrics",
        CLOUD_ML_TRIAL_ID="1",
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "base" / "1").iterdir()) == [
        "checkpoints",
        "hparams.json",
        "logs",
        "model",
        "report.html",
    ]
    assert len((tmp_path / "metrics").read_text().splitlines()) == 2
    assert not (tmp_path / "runs").exists()


def test_a_finished_run_without_a_report_gets_one_when_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [*SMALL, "--epochs=1", f"--job_dir={tmp_path}"]
    assert task.main([*flags, "--report=no"], {}) == 0
    assert "report.html" not in capsys.readouterr().out
    assert not (tmp_path / "report.html").exists()
    assert task.main(flags, {}) == 0
    assert f"  report       {tmp_path}/report.html\n" in capsys.readouterr().out
    assert "Predict, resume, reproduce" in (tmp_path / "report.html").read_text()
    (tmp_path / "report.html").write_text("mine")
    assert task.main(flags, {}) == 0
    assert "report.html is another file" in capsys.readouterr().out
    assert (tmp_path / "report.html").read_text() == "mine"


def test_help_and_a_wrong_flag_do_not_wait_for_tensorflow(tmp_path: Path) -> None:
    program = (
        "import os, sys; from trainer import task\n"
        "statuses = [task.main(['--help'], os.environ), task.main(['--filtrs=3'], os.environ)]\n"
        "heavy = [name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules]\n"
        "sys.exit(f'{statuses} {heavy}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[0, 2] []"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs=abc"], "`--epochs` must be auto, or a whole number of at least 0. Received: abc"),
        (["--filters=0"], "`--filters` must be at least 1. Received: 0"),
        (["--data=nowhere"], "`--data` must be one of "),
        (["--data={idx}", "--job_dir={idx}/train-labels-idx1-ubyte", "--batch_size=9"], "`--job_dir` must be "),
        (["--data={broken}"], "{broken}/train-images-idx3-ubyte: must contain the 3,600 bytes of 30x12x10"),
        (["--checkpoint_every=soon"], "`--checkpoint_every` must be steps, as in 500, or seconds, as in 30s."),
        (["--resume=must", "--job_dir=new"], "`--job_dir` must contain a run with `--resume=must`. Received: new"),
        (["--stride=20"], "`--stride` must leave every map at least one position"),
        (["--batch_size=100000"], "`--batch_size` must be at most the number of training samples"),
        (["--job_dir=gs://Bucket/run"], "`gs://…` must be a bucket, or a folder in one, as in gs://bucket/folder."),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, idx_folder: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in idx_folder.iterdir():
        (broken / path.name).write_bytes(path.read_bytes()[:-1])
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    places = {"idx": idx_folder, "broken": broken}
    assert task.main([argument.format(**places) for argument in arguments], {}) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"trainer: {message.format(**places)}")
    assert captured.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_loss_that_is_not_finite_is_exit_status_3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert task.main([*SMALL, "--learning_rate=1e38", f"--job_dir={tmp_path}"], {}) == 3
    assert re.fullmatch(
        r"trainer: the loss is (nan|inf) at step \d+; gradient norms: conv1 \S+, conv2 \S+, dense \S+, logits \S+; "
        r"before: loss .*; try a lower `--learning_rate` in a new `--job_dir`\n",
        capfd.readouterr().err,
    )
    assert not (tmp_path / "model" / "model.keras").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_loses_no_step_and_says_how_to_go_on(tmp_path: Path, number: int, status: int) -> None:
    flags = (*SMALL[:2], "--epochs=40", "--job_dir=run", "--checkpoint_every=10000")
    process = _popen(*flags, folder=tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 3/"):
            break
    process.send_signal(number)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - begin < 10
    assert process.returncode == status
    assert errors == ("trainer: stopped; the same command with its --job_dir resumes from the last checkpoint\n"), (
        "one line, and no more"
    )
    step = json.loads((tmp_path / "run" / "checkpoints" / "latest.json").read_text())["step"]
    assert step >= 3 * 20
    process = _popen(*flags, folder=tmp_path)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(5)]
    assert said[4] == f"resumes from step {step:,} of 840\n"
    process.kill()
    process.communicate()


def test_a_second_process_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    epochs = "--epochs=2000"  # longer than any machine takes to start the second one
    first = _popen(*SMALL[:2], epochs, "--job_dir=run", folder=tmp_path)
    assert first.stdout is not None
    first.stdout.readline()
    second = _start(*SMALL[:2], epochs, "--job_dir=run", folder=tmp_path)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert second.stderr == "trainer: `--job_dir` must be a folder that no other process trains in. Received: run\n"


def test_a_disk_that_takes_no_more_is_exit_status_4_and_the_run_goes_on_later(tmp_path: Path) -> None:
    flags = (
        "--filters=4",
        "--dense_units=64",
        "--epochs=8",
        "--job_dir=run",
        "--precision=float32",
        "--log_images=never",
    )
    process = _popen(*flags, folder=tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 2/"):
            break
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (50_000, 50_000))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 4
    assert errors == (
        "trainer: the checkpoint in run/checkpoints cannot be written: File too large; "
        "the same command with its --job_dir resumes from the last checkpoint\n"
    )
    done = _start(*flags, folder=tmp_path)
    assert done.returncode == 0
    assert "resumes from step" in done.stdout


def test_real_digits_from_a_folder(mnist: Path, tmp_path: Path) -> None:
    done = _start(f"--data={mnist}", "--epochs=2", "--job_dir=run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"test accuracy ([\d.]+)%", done.stdout)[1]) > 95  # type: ignore[index]


def _photographs(folder: Path) -> Path:
    for name, value in (("cat", 60), ("dog", 200)):
        (folder / name).mkdir(parents=True)
        for index in range(12):
            Image.new("L", (12, 12), value + index).save(folder / name / f"{index} [1].png")
    return folder


def test_what_it_prints_at_its_end_can_be_pasted(tmp_path: Path) -> None:
    _photographs(tmp_path / "photo*[graphs]")
    flags = (*SMALL, "--data=photo*[graphs]", "--batch_size=4", "--job_dir=a b?")
    done = _start(*flags, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    predict, tensorboard = (line.strip() for line in done.stdout.splitlines()[-3::2])
    python, *words = shlex.split(predict)
    assert words[:3] == ["-m", "trainer.predict", "--model=a b?/model"]
    said = forked.run([python, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert re.fullmatch(r"photo\*\[graphs\]/(cat|dog)/\d+ \[1\]\.png\t(cat|dog)\t0\.\d{4}\n", said.stdout), said.stderr
    assert shlex.split(tensorboard)[3:] == ["--logdir=a b?/logs"]


def test_a_stopped_run_without_a_folder_names_the_one_it_has(tmp_path: Path) -> None:
    process = _popen(*SMALL[:2], "--epochs=200", "--log_images=never", folder=tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    for line in process.stdout:
        if line.startswith("epoch 1/"):
            break
    process.terminate()
    _, errors = process.communicate(timeout=60)
    (root,) = (tmp_path / "runs").iterdir()
    assert first == f"run in runs/{root.name}\n"
    assert errors.startswith("trainer: stopped; this command resumes from the last checkpoint:\n  ")
    _, module, name, *words = shlex.split(errors.partition("checkpoint:")[2])
    assert [module, name, words[0]] == ["-m", "trainer.task", f"--job_dir=runs/{root.name}"]
    again = _popen(*words, folder=tmp_path)
    assert again.stdout is not None
    for begin in ("run in ", "1,797 images ", "precision ", "recipe ", "resumes from step "):
        assert again.stdout.readline().startswith(begin)
    again.kill()
    again.communicate()


@pytest.mark.parametrize(
    ("start", "arguments", "said"),
    [
        (["python", "-m", "trainer.task"], ["--data=a b", "-epochs", "3"],
         "this command resumes from the last checkpoint:\n"
         "  python -m trainer.task '--job_dir=runs/1 [a]' '--data=a b' -epochs 3"),
        (["python", "-m", "trainer.task"], ["--job_dir=", "--", ""],
         "this command resumes from the last checkpoint:\n  python -m trainer.task '--job_dir=runs/1 [a]' -- ''"),
        ([], ["--data=a"], "the same command with '--job_dir=runs/1 [a]' resumes from the last checkpoint"),
    ],
)  # fmt: skip
def test_says_how_to_go_on(start: list[str], arguments: list[str], said: str) -> None:
    assert task._resume(start, arguments, "runs/1 [a]") == said


def test_the_end_has_the_metric_that_decides() -> None:
    outcome = {"best_epoch": 3, "best_val_loss": 0.25, "test_loss": 0.5}
    assert [*task._metric(outcome)] == ["test loss 0.5000, best val_loss 0.2500 at epoch 3"]
    del outcome["test_loss"]  # without a test part
    assert [*task._metric(outcome)] == ["best val_loss 0.2500 at epoch 3"]
    assert [*task._metric({"best_epoch": 3, "best_val_accuracy": 0.75})] == []


@pytest.mark.parametrize(("metric", "test"), [("f1", ""), ("loss", "test loss 0.5000, ")])
def test_the_end_does_not_repeat_what_the_test_samples_say(metric: str, test: str) -> None:
    outcome = {"best_epoch": 3, f"best_val_{metric}": 0.25, f"test_{metric}": 0.5}
    assert [*task._metric(outcome, is_measured=True)] == [f"{test}best val_{metric} 0.2500 at epoch 3"]
