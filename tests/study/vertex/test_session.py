"""A study on Vertex AI from its first line to its last, on the fake by Google's own client."""

import io
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from tests.vertex import bodies
from tests.vertex.jobs import NUMBER
from tests.vertex.refusals import Refused
from tests.vertex.server import PROJECT, REGION, TRANSPORTS, Server, serve
from tests.vertex.service import Lost, once
from trainer.buckets.objects.patience import Patience
from trainer.errors import UsageError
from trainer.signals import Stop
from trainer.study.config import document as config
from trainer.study.options import Options
from trainer.study.vertex.service import OVERRIDE
from trainer.study.vertex.session import FAILED, UNREACHABLE, prepare, run
from trainer.study.vertex.surroundings import World

RUNNING = {"state": "JOB_STATE_RUNNING", "trials": [bodies.trial(1, "ACTIVE", 0.5)]}
DONE = [bodies.trial(1, "SUCCEEDED", 0.5, 0.75), bodies.trial(2, "INFEASIBLE", infeasibleReason="It crashed.")]
SUCCESS = {"state": "JOB_STATE_SUCCEEDED", "trials": DONE}
FAILURE = {"state": "JOB_STATE_FAILED", "trials": DONE, "error": {"code": 9, "message": "Too many trials failed."}}

Wait = Callable[[float], object]


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Desk:
    """A person at a terminal, with the fake for a service."""

    def __init__(self, server: Server, folder: Path, transport: str = "grpc"):
        self.server, self.folder, self.transport = server, folder, transport
        self.output, self.stop = io.StringIO(), Stop()
        self.wait: Wait = lambda seconds: None
        self.bucket, self.patience = REGION, Patience(seconds=5.0, first=0.001)
        self.config = folder / "config.yaml"
        document = bodies.tuning()
        del document["labels"]
        self.config.write_text(yaml.safe_dump(document))

    def __call__(self, *flags: str, **options: Any) -> int:
        """Runs the command, and returns its exit status."""
        given = {"project": PROJECT, "region": REGION, "bucket": "gs://my-bucket", "target": "vertex"} | options
        if given.get("results") or given.get("watch"):
            flags = (*flags, f"--job_dir={self.folder / 'results'}")
        screen = Console(file=self.output, width=100)
        return run(Options(config=str(self.config), **given), flags, screen, self.stop, self.world())

    def world(self) -> World:
        return World(
            connect=lambda region: self.server.client(self.transport),
            bucket=lambda name: self.bucket,
            image=lambda image: "",
            clock=lambda: 1_782_907_260.0,
            wait=self.wait,
            patience=self.patience,
            token=lambda: "abc",
        )

    @property
    def said(self) -> str:
        return self.output.getvalue()

    @property
    def job(self) -> dict[str, Any]:
        (name,) = self.server.store.names()
        return self.server.store.peek(name)

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "results" / "study.json").read_text()))


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Desk:
    return Desk(server, tmp_path)


def test_submits_the_file_and_says_what_next(server: Server, tmp_path: Path, transport: str) -> None:
    desk = Desk(server, tmp_path, transport)
    assert desk("--epochs=3") == 0
    job = desk.job
    assert job["displayName"] == "trainer"
    assert job["labels"] == {"trainer-submission": "abc"}
    assert job["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] == ["--data=digits", "--epochs=3"]
    output = job["trialJobSpec"]["baseOutputDirectory"]["outputUriPrefix"]
    assert output.startswith("gs://my-bucket/trainer-2026070")
    name = job["name"]
    number = name.rpartition("/")[2]
    where = f"--project={NUMBER} --region={REGION}"
    assert desk.said == (
        f"submitted {name}\n"
        f"  https://console.cloud.google.com/agent-platform/locations/{REGION}/training/{number}?project={NUMBER}\n"
        f"  its output goes to {output}\n"
        f"  watch:   python -m trainer.study --results={name} --watch\n"
        f"  results: python -m trainer.study --results={name}\n"
        f"  cancel:  gcloud ai hp-tuning-jobs cancel {number} {where}\n"
    )


def test_submits_one_run(desk: Desk) -> None:
    assert desk("--filters=64", job="custom", replica_count=4, spot="no") == 0
    spec = desk.job["jobSpec"]
    assert [pool["replicaCount"] for pool in spec["workerPoolSpecs"]] == ["1", "3"]
    assert spec["scheduling"] == {"strategy": "STANDARD"}
    assert "--filters=64" in spec["workerPoolSpecs"][1]["containerSpec"]["args"]


@pytest.mark.parametrize("job", ["tuning", "custom"])
def test_a_dry_run_prints_and_sends_nothing(desk: Desk, job: str) -> None:
    assert desk("--epochs=3", job=job, dry_run=True) == 0
    assert desk.server.requests == []
    head, _, rest = desk.said.partition("\n")
    assert head.startswith(f"# POST https://{REGION}-aiplatform.googleapis.com/v1/projects/{PROJECT}/locations/")
    content, _, command = rest.partition("\n# The same with gcloud:\n")
    made = prepare(
        Options(config=str(desk.config), project=PROJECT, region=REGION, bucket="gs://my-bucket", job=job),
        ["--epochs=3"],
        desk.world(),
    )
    assert yaml.safe_load(content) == made.body
    assert command == made.as_command(PROJECT, REGION) + "\n"


def test_a_dry_run_needs_no_account(desk: Desk) -> None:
    def nobody(region: str) -> Any:
        raise AssertionError("asked for an account")

    options = Options(config=str(desk.config), project=PROJECT, region=REGION, bucket="b-1", dry_run=True)
    world = World(connect=nobody, bucket=nobody, image=nobody)
    assert run(options, [], Console(file=desk.output), desk.stop, world) == 0


@pytest.mark.parametrize(("last", "status", "state"), [(SUCCESS, 0, "SUCCEEDED"), (FAILURE, FAILED, "FAILED")])
def test_watches_until_the_end_and_writes_what_a_study_here_writes(
    server: Server, tmp_path: Path, transport: str, last: dict[str, Any], status: int, state: str
) -> None:
    desk = Desk(server, tmp_path, transport)
    server.store.script = [{}, RUNNING, last]
    assert desk(watch=True) == status
    lines = desk.said.splitlines()
    assert "job state: pending" in lines
    assert "job state: running" in lines
    assert any(line.startswith(f"job state: {state.lower()}") for line in lines)
    assert ("job state: failed, Too many trials failed." in lines) is (status == FAILED)
    record = desk.record
    assert record["state"] == state
    assert [trial["state"] for trial in record["trials"]] == ["SUCCEEDED", "INFEASIBLE"]
    assert record["best"]["trial"] == 1
    assert record["best"]["value"] == 0.75
    assert record["trials"][1]["reason"] == "It crashed."


def test_a_connection_is_lost_and_back_while_watching(server: Server, tmp_path: Path, transport: str) -> None:
    desk = Desk(server, tmp_path, transport)
    server.store.script = [RUNNING, *[{}] * 2, SUCCESS]
    waits = [0]

    def wait(seconds: float) -> None:
        waits[0] += 1
        if waits[0] == 3:
            server.fault(lambda request: Lost.REQUEST)
        if waits[0] == 50:
            server.fault(lambda request: None)

    desk.wait = wait
    desk.patience = Patience(seconds=0.0)
    assert desk(watch=True) == 0
    assert desk.said.count("no connection to the service") == 1
    assert desk.said.count("the service answers again") == 1
    assert desk.record["state"] == "SUCCEEDED"


@pytest.mark.parametrize("cancel", [False, True])
def test_ctrl_c_ends_watching_and_cancels_only_where_asked(desk: Desk, cancel: bool) -> None:
    desk.server.store.script = [RUNNING]

    def wait(seconds: float) -> None:
        desk.stop(signal.SIGINT)  # raises StoppedError, as in the main thread

    desk.wait = wait
    assert desk(watch=True, cancel_on_interrupt=cancel) == 130
    assert desk.job["state"] == ("JOB_STATE_CANCELLING" if cancel else "JOB_STATE_RUNNING")
    assert ("the job continues" in desk.said) is not cancel
    assert ("cancelling the job" in desk.said) is cancel


def test_a_watched_run_that_is_cancelled_has_failed(desk: Desk) -> None:
    desk.server.store.script = [{"state": "JOB_STATE_RUNNING"}, {"state": "JOB_STATE_CANCELLED"}]
    assert desk(job="custom", watch=True) == FAILED
    assert [line for line in desk.said.splitlines() if line.startswith("job state")] == [
        "job state: running",
        "job state: cancelled",
    ]


def test_fetches_a_finished_job_by_name_or_number(server: Server, tmp_path: Path, transport: str) -> None:
    desk = Desk(server, tmp_path, transport)
    server.store.script = [SUCCESS]
    desk()
    name = desk.job["name"]
    assert desk(results=name) == 0
    first = desk.record
    assert first["state"] == "SUCCEEDED"
    assert config.job(first["config"]).parameters == config.job(bodies.tuning()).parameters
    assert desk(results=name.rpartition("/")[2]) == 0  # again into the same folder
    assert desk.record == first
    assert list((tmp_path / "results").rglob("*tfevents*"))


def test_fetches_what_there_is_of_a_running_job(desk: Desk) -> None:
    desk.server.store.script = [RUNNING]
    desk()
    assert desk(results=desk.job["name"]) == 0
    assert ": running\n" in desk.said
    assert desk.record["state"] == "ACTIVE"
    assert [trial["state"] for trial in desk.record["trials"]] == ["ACTIVE"]


def test_watches_a_job_that_was_submitted_before(desk: Desk) -> None:
    desk()
    desk.server.store.merge(desk.job["name"], RUNNING)
    desk.server.store.merge(desk.job["name"], SUCCESS)
    assert desk(results=desk.job["name"], watch=True) == 0
    assert desk.record["best"]["trial"] == 1


@pytest.mark.parametrize(
    ("options", "flags", "message"),
    [
        ({"project": ""}, [], "`--project` must be given"),
        ({"results": "nonsense"}, [], "`--results` must be a job's name"),
        ({}, ["--job_dir=gs://b-1/x"], "`--job_dir` on Vertex AI must be a local folder"),
        ({}, ["--job_dir=here"], "`--job_dir` on Vertex AI must be a local folder"),
        ({}, ["--filters=64"], "filters"),
    ],
)
def test_rejects_before_anything_is_sent(desk: Desk, options: dict[str, Any], flags: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(
            Options(**{"config": str(desk.config), "project": PROJECT, "region": REGION, "bucket": "b-1"} | options),
            flags,
            Console(file=desk.output),
            desk.stop,
            desk.world(),
        )
    assert desk.server.requests == []


def test_rejects_a_bucket_elsewhere_before_a_job_is_made(desk: Desk) -> None:
    desk.bucket = "us-east1"
    with pytest.raises(UsageError, match="`--bucket` must be in europe-west4"):
        desk()
    assert desk.server.store.names() == []


def test_says_how_to_find_a_job_whose_creation_was_never_answered(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.patience = Patience(seconds=0.0)
    desk.server.fault(once(Lost.REPLY, "create"))
    assert desk() == UNREACHABLE
    assert "list --project=demo-project --region=europe-west4 --filter=labels.trainer-submission=abc\n" in desk.said
    assert capsys.readouterr().err == (
        "trainer: cannot create the tuning job: no connection to the service; try again later\n"
    )


def test_is_stopped_while_the_job_is_created(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        desk.stop(signal.SIGTERM)

    monkeypatch.setattr("trainer.study.vertex.service.JobService.create", stopped)
    assert desk() == 143
    assert "the job may have been created" in desk.said


def test_rejects_what_the_service_refuses(desk: Desk) -> None:
    desk.server.fault(once(Refused("RESOURCE_EXHAUSTED", "CustomModelTrainingCPUs"), "create"))
    with pytest.raises(UsageError, match="CustomModelTrainingCPUs"):
        desk()
    with pytest.raises(UsageError, match="there is no projects/demo-project"):
        desk(results="1")


def test_the_world_around_this_process_is_asked_by_its_variables(server: Server) -> None:
    client = World.of({OVERRIDE: server.url}).connect(REGION)
    assert client.transport.kind == "rest"
    client.transport.close()
