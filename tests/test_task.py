"""The program as a person or a tuning service starts it: real processes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import task

SMALL = ("--filters=2", "--dense_units=8", "--epochs=2")


def _start(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trainer.task", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "100"} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_trains_and_says_where_everything_is(tmp_path: Path) -> None:
    done = _start(*SMALL, folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "", "TensorFlow's chatter is not shown"
    (root,) = (tmp_path / "runs").iterdir()
    name = f"runs/{root.name}"
    first, *lines = done.stdout.splitlines()
    assert first.startswith("precision ")
    assert [line.split("  ")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert re.fullmatch(r"test accuracy \d+\.\d\d%, trained in \d+\.\d s at [\d,]+ images/s", lines[2])
    assert [line.split() for line in lines[3:6]] == [
        ["logs", f"{name}/logs"],
        ["checkpoints", f"{name}/checkpoints"],
        ["model", f"{name}/model/model.keras"],
    ]
    assert lines[-1].endswith(f"-m tensorboard.main --logdir {name}/logs")
    assert (root / "model" / "model.keras").is_file()
    assert list((root / "logs" / "train").iterdir())

    again = _start(*SMALL, f"--job_dir={name}", folder=tmp_path)
    assert again.stdout.splitlines()[1] == f"{lines[2].split(',')[0]}, trained before"


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
    ]
    assert len((tmp_path / "metrics").read_text().splitlines()) == 2
    assert not (tmp_path / "runs").exists()


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
        (["--epochs=abc"], "`--epochs` must be a whole number. Received: abc"),
        (["--filters=0"], "`--filters` must be at least 1. Received: 0"),
        (["--data=nowhere"], "`--data` must be one of "),
        (["--data={idx}", "--job_dir={idx}/train-labels-idx1-ubyte", "--batch_size=9"], "`--job_dir` must be "),
        (["--data={broken}"], "{broken}/train-images-idx3-ubyte: must hold the 3,600 bytes of 30x12x10"),
        (["--stride=20"], "`--stride` must leave every map at least one pixel"),
        (["--batch_size=100000"], "`--batch_size` must be at most the number of training images"),
        (["--job_dir=gs://bucket/run"], "`--job_dir` must be a local folder, or in a bucket that is mounted"),
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
        r"before: loss .*; a lower `--learning_rate` may help\n",
        capfd.readouterr().err,
    )
    assert not (tmp_path / "model" / "model.keras").exists()


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer import train

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "run", interrupt)
    assert task.main([f"--job_dir={tmp_path}"], {}) == 130


@pytest.mark.slow
def test_real_digits_from_a_folder(mnist: Path, tmp_path: Path) -> None:
    done = _start(f"--data={mnist}", "--epochs=2", "--job_dir=run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"test accuracy ([\d.]+)%", done.stdout)[1]) > 95  # type: ignore[index]
