"""The real gcloud against the fake: the command line that a dry run prints sends what we would have sent."""

import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.vertex import bodies
from tests.vertex.server import PROJECT, REGION, Server
from trainer.cloud.job import CUSTOM, TUNING, Kind
from trainer.cloud.patience import Patience
from trainer.cloud.vertex import OVERRIDE, JobService, parsed
from trainer.study import config
from trainer.study.options import Options
from trainer.study.request import Request, request

SHIPPED = Path(__file__).parents[2] / "config.yaml"

pytestmark = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


class Shell:
    """A shell in which gcloud talks to the fake, without an account."""

    def __init__(self, server: Server, folder: Path):
        self._environment = {
            **os.environ,
            OVERRIDE: server.url,
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CONFIG": str(folder),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        }

    def __call__(self, command: str) -> str:
        """Returns what a command prints."""
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=self._environment, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, command: str) -> str:
        """Returns what a command says that fails."""
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=self._environment, timeout=120, check=False
        )
        assert done.returncode != 0, done.stdout
        return done.stderr


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Shell:
    return Shell(server, tmp_path / "gcloud")


def made(job: str, document: dict[str, Any], *flags: str, **options: Any) -> Request:
    given = Options(project=PROJECT, region=REGION, bucket="gs://my-bucket", job=job, **options)
    return request(document, given, flags, "abc", datetime.datetime(2026, 7, 1))


def sent_alike(server: Server, kind: Kind, sent: Request) -> bool:
    """Returns whether the fake holds two jobs that differ by nothing but what the service writes."""
    one, other = ({name: server.store.peek(job)[name] for name in sent.body} for job in server.store.names())
    return bool(parsed(kind, one) == parsed(kind, other) == parsed(kind, sent.body))


@pytest.mark.parametrize(("job", "kind"), [("tuning", TUNING), ("custom", CUSTOM)])
def test_gcloud_sends_what_we_send(server: Server, shell: Shell, job: str, kind: Kind) -> None:
    document = dict(config.read(SHIPPED).document)
    sent = made(
        job,
        document,
        "--data=gs://my-bucket/mnist",
        "--epochs=3",
        display_name="it's 1e3",
        replica_count=3,
        accelerator_type="NVIDIA_L4",
        service_account="trainer@my-project.iam.gserviceaccount.com",
        tensorboard="12",
    )
    shell(sent.as_command(PROJECT, REGION))
    JobService(server.client("grpc"), PROJECT, REGION, Patience()).create(kind, sent.body)
    assert sent_alike(server, kind, sent)


@pytest.mark.parametrize(
    ("kind", "body"), [(TUNING, bodies.tuning()), (CUSTOM, bodies.custom())], ids=["tuning", "custom"]
)
def test_gcloud_lists_describes_and_cancels(server: Server, shell: Shell, kind: Kind, body: dict[str, Any]) -> None:
    name = JobService(server.client("rest"), PROJECT, REGION, Patience()).create(kind, body)["name"]
    number = name.rpartition("/")[2]
    place = f"--project={PROJECT} --region={REGION}"
    listed = shell(f"gcloud ai {kind.group} list {place} --filter=labels.trainer-submission=one --format='value(name)'")
    assert listed.strip() == name
    described = json.loads(shell(f"gcloud ai {kind.group} describe {number} {place} --format=json"))
    assert described["displayName"] == body["displayName"]
    shell(f"gcloud ai {kind.group} cancel {number} {place}")
    assert server.store.peek(name)["state"] == "JOB_STATE_CANCELLING"
    assert "does not exist" in shell.refused(f"gcloud ai {kind.group} describe 1 {place}")


def test_gcloud_takes_the_shipped_file_as_it_is(server: Server, shell: Shell) -> None:
    shell(
        f"gcloud ai hp-tuning-jobs create --project={PROJECT} --region={REGION} --display-name=trainer "
        f"--config={SHIPPED}"
    )
    (name,) = server.store.names()
    document = config.read(SHIPPED).document
    job = {field: server.store.peek(name)[field] for field in document}
    assert parsed(TUNING, job) == parsed(TUNING, document)
