"""The real gcloud against the fake: the command line that a dry run prints sends what we would have sent."""

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.vertex import bodies
from tests.vertex.server import PROJECT, REGION, Server
from tests.vertex.shell import Shell
from trainer.buckets.objects.patience import Patience
from trainer.study.config import document as config
from trainer.study.options import Options
from trainer.study.vertex.job import CUSTOM, TUNING, Kind
from trainer.study.vertex.request import Request, request
from trainer.study.vertex.service import JobService, parsed

SHIPPED = Path(__file__).parents[2] / "config.yaml"
NETWORKS = SHIPPED.with_name("config.networks.yaml")

pytestmark = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


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


@pytest.mark.parametrize("shipped", [SHIPPED, NETWORKS], ids=lambda path: path.stem)
def test_gcloud_takes_the_shipped_file_as_it_is(shipped: Path, server: Server, shell: Shell) -> None:
    document = config.read(shipped).document
    shell(
        f"gcloud ai hp-tuning-jobs create --project={PROJECT} --region={REGION} "
        f"--display-name={document['displayName']} --config={shipped}"
    )
    (name,) = server.store.names()
    job = {field: server.store.peek(name)[field] for field in document}
    assert parsed(TUNING, job) == parsed(TUNING, document)
