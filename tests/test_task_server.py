"""The server with real trials, as real processes."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.trials import Client, serving, wait_for


@pytest.fixture(scope="module")
def forks() -> Iterator[Client]:
    """A server that several tests give trials to."""
    with serving("fork") as client:
        yield client


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A server that the test may end."""
    with serving(request.param) as client:
        yield client


def start(server: Client, trial: int, data: Path, root: Path, *flags: str) -> int:
    """Starts a trial on one core, with its log in its folder, and returns its process."""
    root.mkdir()
    fixed = ["--filters=4", "--dense_units=8", "--precision=float32", "--batch_size=9", "--log_images=never"]
    arguments = [f"--data={data}", f"--job_dir={root}", *fixed, *flags]
    return server.start(trial, arguments, root / "log.txt", AIP_MODEL_DIR=f"{root}/model/")


def record(root: Path) -> Any:
    return json.loads((root / "hparams.json").read_text())["configuration"]


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_runs_trials(forks: Client, tmp_path: Path, idx_folder: Path, isolation: str) -> None:
    roots = [tmp_path / name for name in ("one", "two", "bad")]
    with serving("process") as processes:
        server = forks if isolation == "fork" else processes
        for trial, (root, more) in enumerate(zip(roots, ("--epochs=1", "--epochs=2", "--epochs=-1"), strict=True)):
            process = start(server, trial, idx_folder, root, more)
            if isolation == "fork" and hasattr(os, "sched_getaffinity"):
                assert os.sched_getaffinity(process) == {0}
        assert server.ends(3) == {0: 0, 1: 0, 2: 2}
    assert record(roots[0])["epochs"] == 1
    assert record(roots[1])["epochs"] == 2
    assert "test accuracy" in (roots[0] / "log.txt").read_text()
    assert (
        roots[2] / "log.txt"
    ).read_text() == "trainer: `--epochs` must be auto, or a whole number of at least 0. Received: -1\n"


@pytest.mark.parametrize("server", ["fork", "process"], indirect=True)
def test_trials_end_with_the_study(server: Client, tmp_path: Path, idx_folder: Path) -> None:
    root = tmp_path / "run"
    process = start(server, 1, idx_folder, root, "--epochs=100000")
    wait_for(root / "log.txt", "epoch 1/", process)
    assert server.process.stdin
    server.process.stdin.close()  # as when the study is killed
    assert server.event() == {"ended": 1, "status": 143}
    assert server.process.wait() == 0
    assert list((root / "checkpoints").rglob("*.state"))


def test_stops_and_kills(forks: Client, tmp_path: Path, idx_folder: Path) -> None:
    statuses = {"stop": 143, "kill": -signal.SIGKILL}
    logs = {request: tmp_path / request / "log.txt" for request in statuses}
    processes = [
        start(forks, trial, idx_folder, log.parent, "--epochs=100000") for trial, log in enumerate(logs.values())
    ]
    for trial, ((request, status), process) in enumerate(zip(statuses.items(), processes, strict=True)):
        wait_for(logs[request], "epoch 1/", process)
        forks.ask({request: trial})
        assert forks.event() == {"ended": trial, "status": status}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux signals the death of a parent to its children")
@pytest.mark.parametrize("server", ["fork"], indirect=True)
def test_trials_save_when_the_server_is_killed(server: Client, tmp_path: Path, idx_folder: Path) -> None:
    root = tmp_path / "run"
    process = start(server, 1, idx_folder, root, "--epochs=100000")
    wait_for(root / "log.txt", "epoch 1/", process)
    server.process.kill()
    wait_for(root / "log.txt", "trainer: stopped", process)


_WARM = """
import pathlib, sys
from trainer import task_server
task_server._warm(pathlib.Path(sys.argv[1]))
from tensorflow.python.eager import context
print(context.context()._initialized, context.context()._physical_devices)
"""


def test_the_process_that_forks_trials_has_not_looked_for_devices(tmp_path: Path) -> None:
    """CUDA does not work in a fork of a process that has begun with it."""
    process = forked.run([sys.executable, "-c", _WARM, str(tmp_path)], capture_output=True, text=True, check=False)
    assert process.stdout == "False None\n", process.stderr
