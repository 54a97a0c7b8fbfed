import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainer import local_cluster
from trainer.training.devices import PATIENCE

FLAGS = ["--data=digits", "--filters=2", "--dense_units=16", "--precision=float32"]


def _start(spec: str, root: Path, epochs: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "trainer.task", *FLAGS, f"--epochs={epochs}", f"--job_dir={root}"]
    variables = {**os.environ, "CLUSTER_SPEC": spec}
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_chief_alone_writes_and_speaks(tmp_path: Path) -> None:
    chief, worker = (_start(spec, tmp_path, 2) for spec in local_cluster.cluster_specs(2))
    (said, errors), (other_said, other_errors) = (one.communicate(timeout=200) for one in (chief, worker))
    assert (chief.returncode, worker.returncode) == (0, 0), errors + other_errors
    assert said.startswith("waiting for 1 more of 2 machines\n")
    assert "2 devices share each batch" in said
    assert "test accuracy" in said
    assert (errors, other_said, other_errors) == ("", "", "")
    assert len(list((tmp_path / "logs" / "train").iterdir())) == 1
    assert (tmp_path / "model" / "model.keras").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1], ids=["chief", "worker"])
def test_a_lost_machine_holds_nobody_up_and_the_next_job_goes_on(tmp_path: Path, lost: int) -> None:
    both = [_start(spec, tmp_path, 15) for spec in local_cluster.cluster_specs(2)]
    for line in both[0].stdout or ():
        if line.startswith("epoch 2/"):
            break
    both[lost].kill()
    begin = time.monotonic()
    _, errors = both[1 - lost].communicate(timeout=PATIENCE + 30)
    assert time.monotonic() - begin < PATIENCE
    assert both[1 - lost].returncode == 134
    assert errors.startswith("trainer: another of the 2 machines is gone")
    assert errors.count("\n") == 1, errors
    both[lost].communicate()

    done = json.loads((tmp_path / "checkpoints" / "latest.json").read_text())["step"]
    both = [_start(spec, tmp_path, 15) for spec in local_cluster.cluster_specs(2)]
    (said, errors), _ = (one.communicate(timeout=200) for one in both)
    assert [one.returncode for one in both] == [0, 0], errors
    first = next(line for line in said.splitlines() if line.startswith("epoch "))
    assert first.startswith(f"epoch {done // 20 + 1}/15")  # 20 steps in an epoch


def test_help_and_a_mistyped_flag_answer_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert local_cluster.main(["--help"], {}) == 0
    assert capfd.readouterr().out.startswith("Usage: python -m trainer.local_cluster --workers=2 [--flag=value …]")
    assert local_cluster.main(["--epoch=1"], {}) == 2
    assert capfd.readouterr().err == "trainer: `--epoch` is no flag. Did you mean --epochs?\n"


@pytest.mark.parametrize("text", ["1", "0", "-2", "two", ""])
def test_rejects_a_number_of_workers(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert local_cluster.main([f"--workers={text}"], {}) == 2
    message = f"trainer: `--workers` must be a whole number of at least 2. Received: {text}\n"
    assert capfd.readouterr().err == message


def test_each_worker_has_its_own_place_and_port() -> None:
    specs = [json.loads(spec) for spec in local_cluster.cluster_specs(3)]
    assert [(spec["task"]["type"], spec["task"]["index"]) for spec in specs] == [
        ("workerpool0", 0),
        ("workerpool1", 0),
        ("workerpool1", 1),
    ]
    assert specs[0]["cluster"] == specs[1]["cluster"] == specs[2]["cluster"]
    addresses = {address for pool in specs[0]["cluster"].values() for address in pool}
    assert len(addresses) == 3
    assert all(address.startswith("127.0.0.1:") for address in addresses)
