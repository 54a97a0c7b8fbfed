import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trials import Client, serving, wait_for
from trainer import local_cluster
from trainer.training.devices import PATIENCE

FLAGS = ["--data=digits", "--filters=2", "--dense_units=16", "--precision=float32"]
STEPS = 20  # of an epoch
# Every line of a chief that is not the last.
LINE = re.compile(
    r"waiting for 1 more of 2 machines|2 devices share each batch|precision float32 \(asked for\)|recipe \w+: [^\n]+|"
    r"run in [^\n]+|[\d,]+ images of 10 classes: [^\n]+|leaves up to [^\n]+|resumes from step \d+ of \d+|"
    r"epoch \d+/\d+  .*"
)


@pytest.fixture(scope="module")
def forks() -> Iterator[Client]:
    """A server of which the machines are forks: each has its own environment and TensorFlow runtime."""
    with serving("fork") as client:
        yield client


class Job:
    """A chief and a worker.

    Args:
      server: starts them.
      folder: takes the job's output; each machine's log is beside it.
      number: of the job, from 0.
      epochs: how many it trains.
    """

    def __init__(self, server: Client, folder: Path, number: int, epochs: int):
        self.machines = (2 * number, 2 * number + 1)
        self.logs = [folder.with_name(f"{folder.name}-{machine}.txt") for machine in self.machines]
        self._server = server
        arguments = [*FLAGS, f"--epochs={epochs}", f"--job_dir={folder}"]
        self.processes = [
            server.start(machine, arguments, log, (0, 1), CLUSTER_SPEC=spec)
            for machine, log, spec in zip(self.machines, self.logs, local_cluster.cluster_specs(2), strict=True)
        ]

    def wait_for(self, text: str) -> None:
        """Returns when the chief has printed a text."""
        wait_for(self.logs[0], text, self.processes[0])

    def kill(self, index: int) -> None:
        self._server.ask({"kill": self.machines[index]})

    def end(self) -> tuple[list[int], list[list[str]]]:
        """Returns the exit statuses, and the lines that each machine has printed."""
        statuses = self._server.ends(2)
        return [statuses[machine] for machine in self.machines], [log.read_text().splitlines() for log in self.logs]


def test_the_chief_alone_writes_and_speaks(forks: Client, tmp_path: Path) -> None:
    statuses, (said, other_said) = Job(forks, tmp_path, 0, 2).end()
    assert statuses == [0, 0], said + other_said
    assert said[0] == "waiting for 1 more of 2 machines"
    assert "2 devices share each batch" in said
    (result,) = [index for index, line in enumerate(said) if line.startswith("test accuracy")]
    assert all(map(LINE.fullmatch, said[:result])), said  # and no warning of TensorFlow's
    assert len(said) == result + 10
    assert other_said == []
    assert len(list((tmp_path / "logs" / "train").iterdir())) == 1
    assert (tmp_path / "model" / "model.keras").is_file()


def test_a_lost_machine_holds_nobody_up_and_the_next_job_goes_on(forks: Client, tmp_path: Path) -> None:
    done = 0
    for number, lost in enumerate((1, 0)):
        job = Job(forks, tmp_path, number, 15)
        job.wait_for(f"epoch {done // STEPS + 2}/")
        begin = time.monotonic()
        job.kill(lost)
        statuses, lines = job.end()
        assert time.monotonic() - begin < PATIENCE
        assert statuses[1 - lost] == 134
        *before, last = lines[1 - lost]
        assert last.startswith("trainer: another of the 2 machines is gone")
        assert all(map(LINE.fullmatch, before)), before
        assert (before == []) == (lost == 0)
        assert _first_epoch(lines[0]) == f"epoch {done // STEPS + 1}/15"
        done = json.loads((tmp_path / "checkpoints" / "latest.json").read_text())["step"]
    statuses, (said, _) = Job(forks, tmp_path, 2, 15).end()
    assert statuses == [0, 0], said
    assert _first_epoch(said) == f"epoch {done // STEPS + 1}/15"


def _first_epoch(lines: list[str]) -> str:
    return next(line for line in lines if line.startswith("epoch ")).split("  ")[0]


def test_help_and_a_mistyped_flag_answer_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert local_cluster.main(["--help"], {}) == 0
    assert capfd.readouterr().out.startswith("Usage: python -m trainer.local_cluster --workers=2 [--flag=value …]")
    assert local_cluster.main(["--epoch=1"], {}) == 2
    assert capfd.readouterr().err == "trainer: `--epoch` is not a flag. Did you mean --epochs?\n"


@pytest.mark.parametrize("text", ["1", "0", "-2", "two", ""])
def test_rejects_a_number_of_workers(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert local_cluster.main([f"--workers={text}"], {}) == 2
    message = f"trainer: `--workers` must be a whole number of at least 2. Received: {text}\n"
    assert capfd.readouterr().err == message


def test_the_number_of_workers_is_a_flag_like_others() -> None:
    for words in (["--workers=3"], ["--workers", "3"], ["-workers=3"], ["--workers=2", "--workers=3"]):
        assert local_cluster._count_workers(["--skip_broken", *words, "--epochs", "2"]) == (
            3,
            ["--skip_broken", "--epochs", "2"],
        )
    assert local_cluster._count_workers([]) == (2, [])


def test_each_worker_has_its_own_role_and_port() -> None:
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
