"""The server with real trials, as real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Servers = Callable[[str], "Client"]


class Client:
    """Speaks to one server."""

    def __init__(self, isolation: str):
        command = [sys.executable, "-m", "trainer.task_server", f"--isolation={isolation}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.event() == {"ready": True}

    def ask(self, request: Mapping[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def event(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def start(self, trial: int, arguments: Sequence[str], root: Path, cores: Sequence[int] = (0,)) -> int:
        """Starts a trial and returns its process."""
        root.mkdir()
        environment = {**os.environ, "AIP_MODEL_DIR": f"{root}/model/"}
        log = str(root / "log.txt")
        self.ask({"start": trial, "arguments": arguments, "environment": environment, "log": log, "cores": list(cores)})
        begun = self.event()
        assert begun["started"] == trial
        return int(begun["process"])


@pytest.fixture
def servers() -> Iterator[Servers]:
    clients = list[Client]()

    def make(isolation: str) -> Client:
        clients.append(Client(isolation))
        return clients[-1]

    yield make
    for client in clients:
        if client.process.stdin:
            client.process.stdin.close()
        client.process.wait()
        if client.process.stdout:
            client.process.stdout.close()


def flags(data: Path, root: Path, *others: str) -> list[str]:
    fixed = ["--precision=float32", "--batch_size=9", "--log_images=never"]
    return [f"--data={data}", f"--job_dir={root}", "--filters=4", "--dense_units=8", *fixed, *others]


def record(root: Path) -> Any:
    return json.loads((root / "hparams.json").read_text())["configuration"]


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_runs_trials(servers: Servers, tmp_path: Path, idx_folder: Path, isolation: str) -> None:
    server = servers(isolation)
    roots = [tmp_path / name for name in ("one", "two", "bad")]
    for trial, (root, more) in enumerate(zip(roots, ("--epochs=1", "--epochs=2", "--epochs=0"), strict=True)):
        process = server.start(trial, flags(idx_folder, root, more), root)
        if isolation == "fork" and hasattr(os, "sched_getaffinity"):
            assert os.sched_getaffinity(process) == {0}
    ended = {event["ended"]: event["status"] for event in (server.event() for _ in roots)}
    assert ended == {0: 0, 1: 0, 2: 2}
    assert record(roots[0])["epochs"] == 1
    assert record(roots[1])["epochs"] == 2
    assert "test accuracy" in (roots[0] / "log.txt").read_text()
    assert (roots[2] / "log.txt").read_text() == "trainer: `--epochs` must be at least 1. Received: 0\n"


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_trials_end_with_the_study(servers: Servers, tmp_path: Path, idx_folder: Path, isolation: str) -> None:
    server = servers(isolation)
    root = tmp_path / "run"
    process = server.start(1, flags(idx_folder, root, "--epochs=100000"), root)
    _wait_for(root / "log.txt", "epoch 1/", process)
    assert server.process.stdin
    server.process.stdin.close()  # as when the study is killed
    assert server.event() == {"ended": 1, "status": 143}
    assert server.process.wait() == 0
    assert list((root / "checkpoints").rglob("*.state"))


def test_stops_and_kills(servers: Servers, tmp_path: Path, idx_folder: Path) -> None:
    server = servers("fork")
    for trial, (request, status) in enumerate((("stop", 143), ("kill", -signal.SIGKILL))):
        root = tmp_path / request
        process = server.start(trial, flags(idx_folder, root, "--epochs=100000"), root)
        _wait_for(root / "log.txt", "epoch 1/", process)
        server.ask({request: trial})
        assert server.event() == {"ended": trial, "status": status}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's death")
def test_trials_save_when_the_server_is_killed(servers: Servers, tmp_path: Path, idx_folder: Path) -> None:
    server = servers("fork")
    root = tmp_path / "run"
    process = server.start(1, flags(idx_folder, root, "--epochs=100000"), root)
    _wait_for(root / "log.txt", "epoch 1/", process)
    server.process.kill()
    _wait_for(root / "log.txt", "trainer: stopped", process)


def _wait_for(log: Path, text: str, process: int) -> None:
    """Returns when a log has a text.

    Raises:
      AssertionError: the process that writes it has ended before.
    """
    command = ["tail", f"--pid={process}", "-n", "+1", "-F", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        assert tail.stdout
        for line in tail.stdout:
            if text in line.decode():
                tail.kill()
                return
    raise AssertionError(log.read_text())
