"""The five jobs that a person sends: what a dry run prints is what is sent, by us and by gcloud, to the byte."""

import io
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from tests.gcs.server import serve as serve_buckets
from tests.vertex.server import PROJECT, Server, serve
from tests.vertex.shell import ROOT, Shell
from trainer.signals import Stop
from trainer.study import options as study_options
from trainer.study.vertex import session as vertex
from trainer.study.vertex.job import CUSTOM, TUNING, Kind
from trainer.study.vertex.service import SUBMISSION, parsed
from trainer.study.vertex.surroundings import World

REGION = "us-central1"  # where the fake's buckets are
PLACE = ["--target=vertex", f"--project={PROJECT}", f"--region={REGION}", "--bucket=gs://my-bucket"]
GPU = ["--machine_type=g2-standard-8", "--accelerator_type=NVIDIA_L4"]
JOBS = {
    "custom": (CUSTOM, ["--job=custom", "--spot=no", "--epochs=30"]),
    "spot": (CUSTOM, ["--job=custom", "--spot=yes", "--epochs=30"]),
    "several machines": (CUSTOM, ["--job=custom", "--spot=no", "--replica_count=4"]),
    "gpu": (CUSTOM, ["--job=custom", "--spot=no", *GPU, f"--image=us-docker.pkg.dev/{PROJECT}/trainer/trainer:gpu"]),
    "tuning": (TUNING, ['--display_name=it\'s 1e3 "runs" $HOME `x`', "--max_trial_count=8"]),
    "networks": (TUNING, [f"--config={ROOT / 'config.networks.yaml'}"]),
    "one network": (CUSTOM, [f"--config={ROOT / 'config.networks.yaml'}", "--job=custom", "--model=residual"]),
}
BEFORE_COMMAND = "\n# The same with gcloud:\n"  # stands between the request and the command
WRITTEN = ("name", "state", "createTime")  # by the service

needs_gcloud = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(region=REGION) as server:
        yield server


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[Shell]:
    with serve_buckets(["my-bucket"]) as buckets:
        yield Shell(server, tmp_path / "gcloud", {"STORAGE_EMULATOR_HOST": buckets.url})


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest) -> tuple[Kind, list[str]]:
    return JOBS[request.param]


def run(server: Server, *arguments: str) -> str:
    """Runs `trainer.study` at a set time with a set label, and returns what it says."""
    options, flags, _ = study_options.read([*PLACE, f"--config={ROOT / 'config.yaml'}", *arguments])
    world = World(
        connect=lambda region: server.client("grpc"),
        bucket=lambda name: REGION,
        image=lambda image: "",
        clock=lambda: 1_782_907_260.0,
        token=lambda: "abc",
    )
    output = io.StringIO()
    assert vertex.run(options, flags, Console(file=output, width=100), Stop(), world) == 0
    return output.getvalue()


def received(server: Server) -> list[dict[str, Any]]:
    """Returns what was sent, in the order of its arrival."""
    jobs = [server.store.peek(name) for name in server.store.names()]
    return [{field: value for field, value in job.items() if field not in WRITTEN} for job in jobs]


def as_bytes(kind: Kind, body: dict[str, Any]) -> bytes:
    message = parsed(kind, body)
    return bytes(type(message).pb(message).SerializeToString(deterministic=True))


def parts(said: str) -> tuple[dict[str, Any], str]:
    """Returns a dry run's request and gcloud command."""
    request, _, command = said.partition(BEFORE_COMMAND)
    return yaml.safe_load(request), command


def without_name(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a job without what makes each one another: its label, and the time in the name of its folder."""
    labels = {**body["labels"], SUBMISSION: "abc"}
    spec = "trialJobSpec" if "trialJobSpec" in body else "jobSpec"
    output = body[spec]["baseOutputDirectory"]["outputUriPrefix"].rpartition("-2")[0]
    return {**body, "labels": labels, spec: {**body[spec], "baseOutputDirectory": {"outputUriPrefix": output}}}


def command(arguments: Sequence[str]) -> str:
    return shlex.join(["python", "-m", "trainer.study", *PLACE, *arguments])


def test_a_dry_run_prints_what_is_sent(server: Server, job: tuple[Kind, list[str]]) -> None:
    kind, arguments = job
    printed, _ = parts(run(server, *arguments, "--dry_run"))
    assert received(server) == []
    run(server, *arguments)
    (sent,) = received(server)
    assert as_bytes(kind, printed) == as_bytes(kind, sent)


@pytest.mark.slow
@needs_gcloud
def test_what_a_dry_run_prints_is_pasted_into_a_shell(
    server: Server, shell: Shell, job: tuple[Kind, list[str]]
) -> None:
    kind, arguments = job
    printed, gcloud = parts(shell(command([*arguments, "--dry_run"])))
    shell(gcloud)
    (by_gcloud,) = received(server)
    assert as_bytes(kind, by_gcloud) == as_bytes(kind, printed)
    shell(command(arguments))
    _, by_us = received(server)
    assert as_bytes(kind, without_name(by_us)) == as_bytes(kind, without_name(printed))


@pytest.mark.slow
@needs_gcloud
def test_a_key_of_ones_own_goes_along(server: Server, shell: Shell, tmp_path: Path) -> None:
    key = f"projects/{PROJECT}/locations/{REGION}/keyRings/ring/cryptoKeys/key"
    config = tmp_path / "config.yaml"
    config.write_text(f"{(ROOT / 'config.yaml').read_text()}\nencryptionSpec:\n  kmsKeyName: {key}\n")
    for kind, arguments in ((CUSTOM, ["--job=custom"]), (TUNING, [])):
        printed, gcloud = parts(shell(command([*arguments, f"--config={config}", "--dry_run"])))
        assert printed["encryptionSpec"] == {"kmsKeyName": key}
        shell(gcloud)
        assert as_bytes(kind, received(server)[-1]) == as_bytes(kind, printed)


def test_what_each_job_asks_for(server: Server) -> None:
    asked = {name: parts(run(server, *arguments, "--dry_run"))[0] for name, (_, arguments) in JOBS.items()}
    specs = {name: body.get("jobSpec") or body["trialJobSpec"] for name, body in asked.items()}
    strategies = {name: spec["scheduling"]["strategy"] for name, spec in specs.items()}
    assert strategies == {name: "STANDARD" if "--spot=no" in given else "SPOT" for name, (_, given) in JOBS.items()}
    replicas = {name: [pool["replicaCount"] for pool in spec["workerPoolSpecs"]] for name, spec in specs.items()}
    assert replicas.pop("several machines") == [1, 3]
    assert [*replicas.values()] == [[1]] * (len(JOBS) - 1)
    assert specs["gpu"]["workerPoolSpecs"][0]["machineSpec"] == {
        "machineType": "g2-standard-8",
        "acceleratorType": "NVIDIA_L4",
        "acceleratorCount": 1,
    }
    assert asked["tuning"]["maxTrialCount"] == 8
    assert [one["parameterId"] for one in asked["networks"]["studySpec"]["parameters"]] == ["model", "learning_rate"]
    assert "--model=residual" in specs["one network"]["workerPoolSpecs"][0]["containerSpec"]["args"]
    assert specs["custom"]["workerPoolSpecs"][0]["containerSpec"]["args"] == ["--data=digits", "--epochs=30"]
