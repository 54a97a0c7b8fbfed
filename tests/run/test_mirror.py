"""A run whose output is on a bucket: the program as a person or Vertex AI starts it, against a fake of the service."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from benchmarks.chaos import remains
from tests import forked
from tests.gcs import faults
from tests.gcs.proxy import through_tls
from tests.gcs.server import Server, serve
from trainer import task
from trainer.run import mirror

ROOT = Path(__file__).parents[2]
SMALL = ("--filters=2", "--dense_units=8", "--epochs=2", "--log_images=never", "--precision=float32")

Run = Callable[..., tuple[int, str, str]]  # the exit status, standard output and standard error


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        yield server


def _popen(server: Server, folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Starts the program on a machine of its own, as the folder that is its cache may be."""
    return forked.Popen(
        [sys.executable, "-u", "-m", "trainer.task", *arguments, f"--cache_dir={folder / 'cache'}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STORAGE_EMULATOR_HOST": server.url} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the program in this process; another machine is one with another cache."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)

    def run(
        *arguments: str, machine: str = "machine", callbacks: Sequence[Any] = (), **variables: str
    ) -> tuple[int, str, str]:
        capfd.readouterr()
        status = task.main([*SMALL, *arguments, f"--cache_dir={tmp_path / machine / 'cache'}"], variables, callbacks)
        return status, *capfd.readouterr()

    return run


def _staged(tmp_path: Path, run: str, machine: str = "machine") -> Path:
    return tmp_path / machine / "cache" / "runs" / "bucket" / run


def _landed(server: Server, folder: Path, run: str) -> None:
    """Makes sure that the bucket holds what a run's local folder does."""
    objects = server.objects("bucket")
    for path in folder.rglob("*"):
        if path.is_file():
            assert objects[f"{run}/{path.relative_to(folder)}"] == path.read_bytes()
    assert not [name for name in objects if "/." in name], "nothing unfinished is left"


def test_a_bucket_holds_what_a_folder_would(server: Server, run: Run, tmp_path: Path) -> None:
    status, out, err = run("--job_dir=gs://bucket/run")
    assert (status, err) == (0, ""), err
    names = set(server.objects("bucket"))
    assert {"run/hparams.json", "run/model/model.keras", "run/checkpoints/latest.json"} <= names
    manifest = json.loads(server.objects("bucket")["run/checkpoints/latest.json"])
    assert {f"run/checkpoints/{file['name']}" for file in manifest["files"]} <= names
    assert len([name for name in names if "tfevents" in name]) == 3
    _landed(server, _staged(tmp_path, "run"), "run")
    assert "logs         gs://bucket/run/logs" in out
    assert "-m trainer.tensorboard --logdir=gs://bucket/run/logs" in out
    status, out, err = run("--job_dir=gs://bucket/run", machine="other")
    assert (status, err) == (0, "")
    assert "already finished" in out


def test_goes_on_from_the_bucket_on_another_machine(server: Server, run: Run, tmp_path: Path) -> None:
    assert run("--job_dir=gs://bucket/whole")[0] == 0
    process = _popen(server, tmp_path, *SMALL, "--job_dir=gs://bucket/stopped", "--checkpoint_every=5")
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("epoch 1/2"))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert json.loads(server.objects("bucket")["run/checkpoints/latest.json".replace("run", "stopped")])["step"] >= 20
    status, out, err = run("--job_dir=gs://bucket/stopped", machine="other")
    assert (status, err) == (0, "")
    assert re.search(r"resumes from step \d+ of 42", out)
    assert remains(_staged(tmp_path, "stopped", "other")) == remains(_staged(tmp_path, "whole"))
    _landed(server, _staged(tmp_path, "stopped", "other"), "stopped")


@pytest.mark.parametrize(
    "counts", [(5, 15), pytest.param(range(1, 1000, 2), marks=pytest.mark.slow)], ids=["twice", "anywhere"]
)
def test_wherever_the_bucket_fails_the_run_goes_on_from_there(
    server: Server, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Sequence[int]
) -> None:
    """All writes after the N-th fail, for every odd N: what has landed by then is all that another machine finds."""
    assert run("--job_dir=gs://bucket/whole")[0] == 0
    expected = remains(_staged(tmp_path, "whole"))
    for count in counts:
        name = f"cut{count}"
        with monkeypatch.context() as patch:
            patch.setattr(mirror, "_PATIENCE", 3.0)  # what fails never lands; all that does not lands in 2 s
            server.fault = faults.after(count, faults.Status(503))
            status, _, err = run(f"--job_dir=gs://bucket/{name}", "--checkpoint_every=7")
            assert status in (0, 4), err
            server.fault = None
        again, out, err = run(f"--job_dir=gs://bucket/{name}", machine="other")
        assert (again, err) == (0, ""), count
        assert "already finished" in out or remains(_staged(tmp_path, name, "other")) == expected, count
        _landed(server, _staged(tmp_path, name, "other"), name)
        if status == 0:
            break
    assert count > 10
    assert (status == 0) == (count < counts[-1])


def test_others_read_what_is_there(server: Server, run: Run, tmp_path: Path) -> None:
    """By TensorFlow's own gs:// file system, and by a TensorBoard that uses it."""
    assert run("--job_dir=gs://bucket/run")[0] == 0
    root = _staged(tmp_path, "run")
    program = (
        "import tensorflow as tf\n"
        "from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer\n"
        "logs = EventMultiplexer().AddRunsFromDirectory('gs://bucket/run/logs').Reload()\n"
        "print(sorted(logs.Runs()), [event.step for event in logs.Tensors('train', 'loss')])\n"
        "print(len(tf.io.gfile.GFile('gs://bucket/run/model/model.keras', 'rb').read()))\n"
        "print(sum(1 for name in tf.io.gfile.glob('gs://bucket/run/logs/train/*')\n"
        "          for _ in tf.data.TFRecordDataset(name)))\n"
    )
    with through_tls(server, tmp_path) as variables:
        done = forked.run([sys.executable, "-c", program], env=os.environ | variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (events,) = (root / "logs" / "train").iterdir()
    count = sum(1 for _ in LegacyEventFileLoader(str(events)).Load())
    size = (root / "model" / "model.keras").stat().st_size
    assert done.stdout.splitlines() == [
        "['.', 'train', 'validation'] [21, 42]", str(size), str(count)
    ], done.stdout  # fmt: skip


def test_vertex_s_folders(server: Server, run: Run) -> None:
    names = {"AIP_MODEL_DIR": "model", "AIP_CHECKPOINT_DIR": "checkpoints", "AIP_TENSORBOARD_LOG_DIR": "logs"}
    variables = {name: f"gs://bucket/study/3/{folder}/" for name, folder in names.items()}
    status, _, err = run("--epochs=1", **variables)
    assert (status, err) == (0, "")
    assert {"study/3/hparams.json", "study/3/model/model.keras"} <= set(server.objects("bucket"))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--job_dir=gs://no-such-bucket/run"], "must be in a bucket that exists. Received: gs://no-such-bucket/run"),
        (["--job_dir=gs://bucket/run", "--data=gs://bucket/none"], "Received: gs://bucket/none"),
        (["--job_dir=gs://bucket/run", "--resume=must"], "`--job_dir` must contain a run with `--resume=must`"),
    ],
)
def test_rejects_before_anything_is_written(server: Server, run: Run, arguments: list[str], line: str) -> None:
    status, _, err = run(*arguments)
    assert status == 2, err
    assert line in err
    assert len(err.splitlines()) == 1
    assert server.objects("bucket") == {}


def test_another_configuration_leaves_the_run_alone(server: Server, run: Run) -> None:
    assert run("--epochs=1", "--job_dir=gs://bucket/run")[0] == 0
    before = {name: server.generation("bucket", name) for name in server.objects("bucket")}
    status, _, err = run("--epochs=1", "--filters=3", "--job_dir=gs://bucket/run")
    assert status == 2
    assert "--filters=2 before, 3 now" in err
    assert {name: server.generation("bucket", name) for name in server.objects("bucket")} == before


def test_reads_images_from_a_bucket(server: Server, run: Run, idx_folder: Path) -> None:
    for path in idx_folder.iterdir():
        server.put("bucket", f"images/{path.name}", path.read_bytes())
    status, out, err = run("--batch_size=9", "--data=gs://bucket/images", "--job_dir=gs://bucket/run")
    assert (status, err) == (0, "")
    assert "downloads 4 of 4 files" in out


def test_what_has_not_landed_is_told_and_is_no_success(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is refused from the middle of the run on; SIGTERM comes after its last epoch."""
    monkeypatch.setattr(mirror, "_LAST", 1.0)  # what is refused never lands
    refused = faults.when(lambda request: "owner" not in request.name and request.is_write, faults.Status(503))

    def end_epoch(epoch: int, logs: object) -> None:
        if epoch == 0:
            server.fault = refused
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    own = [keras.callbacks.LambdaCallback(on_epoch_end=end_epoch)]
    status, out, err = run("--job_dir=gs://bucket/run", callbacks=own)
    assert status == 143, err
    assert "not uploaded within" in out + err
    assert "checkpoints (" in out + err


def test_a_twin_that_still_lives_stops(server: Server, tmp_path: Path) -> None:
    flags = (*SMALL, "--epochs=400", "--schedule=constant", "--job_dir=gs://bucket/run")
    first = _popen(server, tmp_path, *flags)
    assert first.stdout is not None
    next(line for line in first.stdout if line.startswith("epoch 3/"))
    other = tmp_path / "other"
    other.mkdir()
    second = _popen(server, other, *flags)
    assert second.stdout is not None
    out, err = first.communicate(timeout=120)
    assert first.returncode == 4, out + err
    assert "another process has taken over gs://bucket/run" in err
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=60)
    assert second.returncode == 143
