"""`python -m trainer.tensorboard`, with logs on a bucket, as a person starts it."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.gcs.server import Server, serve
from trainer.tensorboard import __main__ as main
from trainer.tensorboard import summaries
from trainer.tensorboard.log import TRAIN, Log


def _upload(server: Server, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            server.put("bucket", f"run/logs/{path.relative_to(folder)}", path.read_bytes())


def test_shows_a_bucket_s_logs_while_they_grow(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs")
    with serve() as server:
        log.add(TRAIN, summaries.scalar("loss", 2.0), 1)
        log.flush()
        _upload(server, log.folder)
        output = tmp_path / "output.txt"
        with output.open("w") as stream:
            process = forked.Popen(
                [
                    *(sys.executable, "-m", "trainer.tensorboard", "--logdir=gs://bucket/run/logs"),
                    *("--host=127.0.0.1", "--port=0", "--reload_interval=1"),
                ],
                env={**os.environ, "STORAGE_EMULATOR_HOST": server.url},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            address = _awaited(lambda: re.search(r"http://127\.0\.0\.1:\d+/", output.read_text()), output).group()
            _awaited(lambda: _steps(address) == [1], output)
            log.add(TRAIN, summaries.scalar("loss", 1.0), 2)
            log.close()
            _upload(server, log.folder)
            _awaited(lambda: _steps(address) == [1, 2], output)
        finally:
            process.terminate()
            process.wait()


def _steps(address: str) -> list[int] | None:
    with urllib.request.urlopen(f"{address}data/plugin/scalars/tags") as reply:
        if "train" not in json.load(reply):
            return None
    with urllib.request.urlopen(f"{address}data/plugin/scalars/scalars?run=train&tag=loss") as reply:
        return [step for _, step, _ in json.load(reply)]


def _awaited(ask: Callable[[], Any], output: Path) -> Any:
    deadline = time.monotonic() + 120
    while not (answer := ask()):
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)
    return answer


def test_rejects_a_bucket_that_does_not_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        assert main.main(["--logdir=gs://no-such-bucket/run"]) == 2
    assert "must be in a bucket that exists. Received: gs://no-such-bucket/run" in capsys.readouterr().err
