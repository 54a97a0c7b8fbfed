"""The job service's client against the fake, over both transports: every refusal is one line that says what to do."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials

from tests.vertex import bodies
from tests.vertex.jobs import NUMBER
from tests.vertex.refusals import Refused
from tests.vertex.server import PROJECT, REGION, TRANSPORTS, Server, serve
from tests.vertex.service import Fault, Lost, Request, once
from trainer.buckets.objects.failure import UnreachableError
from trainer.buckets.objects.patience import Patience
from trainer.errors import UsageError
from trainer.study.vertex.job import CUSTOM, TUNING, JobName, Kind
from trainer.study.vertex.service import OVERRIDE, JobService, connect, parsed

HASTY = Patience(seconds=5.0, first=0.001, longest=0.05)
BRIEF = Patience(seconds=0.0)

Body = Callable[..., dict[str, Any]]


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture(params=TRANSPORTS)
def service(request: pytest.FixtureRequest, server: Server) -> JobService:
    return JobService(server.client(request.param), PROJECT, REGION, HASTY)


def verbs(server: Server) -> list[str]:
    return [request.verb for request in server.requests]


@pytest.mark.parametrize(("kind", "body"), [(TUNING, bodies.tuning), (CUSTOM, bodies.custom)])
def test_creates_gets_searches_and_cancels(service: JobService, kind: Kind, body: Body) -> None:
    made = service.create(kind, body())
    assert made["name"].startswith(f"projects/{NUMBER}/locations/{REGION}/{kind.collection}/")
    assert made["state"] == "JOB_STATE_PENDING"
    assert made["displayName"] == body()["displayName"]
    assert service.get(kind, made["name"]) == made
    assert service.search(kind, 'display_name="another"') == []
    assert service.search(kind) == [made]
    service.cancel(kind, made["name"])
    assert service.get(kind, made["name"])["state"] == "JOB_STATE_CANCELLED"
    service.cancel(kind, made["name"])  # as after a lost reply


def test_what_is_sent_comes_back_unchanged(service: JobService) -> None:
    body = bodies.tuning()
    made = service.create(TUNING, body)
    assert parsed(TUNING, {name: made[name] for name in body}) == parsed(TUNING, body)


@pytest.mark.parametrize("lost", Lost)
@pytest.mark.parametrize("times", [1, 3])
def test_never_creates_a_job_twice(server: Server, service: JobService, lost: Lost, times: int) -> None:
    server.fault(once(lost, "create", times))
    made = service.create(TUNING, bodies.tuning())
    assert server.store.names() == [made["name"]]
    assert "list" in verbs(server)


def test_never_creates_a_job_twice_where_the_search_is_lost_too(server: Server, service: JobService) -> None:
    faults: list[Fault] = [Lost.REPLY, Lost.REQUEST, Lost.REPLY]
    server.fault(lambda request: faults.pop(0) if faults else None)
    made = service.create(CUSTOM, bodies.custom())
    assert server.store.names() == [made["name"]]
    assert verbs(server) == ["create", "list", "list", "list"]


def test_takes_no_other_job_of_the_same_name_for_its_own(server: Server, service: JobService) -> None:
    other = service.create(CUSTOM, bodies.custom(labels={"trainer-submission": "another"}))
    server.fault(once(Lost.REQUEST, "create"))
    assert service.create(CUSTOM, bodies.custom())["name"] != other["name"]


@pytest.mark.parametrize("verb", ["get", "list", "cancel"])
def test_asks_again_while_the_service_is_not_well(server: Server, service: JobService, verb: str) -> None:
    name = service.create(TUNING, bodies.tuning())["name"]
    faults: list[Fault] = [
        Refused("UNAVAILABLE", "busy"),
        Refused("INTERNAL", "oops"),
        Refused("RESOURCE_EXHAUSTED", "per minute"),
        Lost.REQUEST,
        Lost.REPLY,
    ]
    server.fault(lambda request: faults.pop(0) if faults and request.verb == verb else None)
    asked: dict[str, Callable[[], Any]] = {
        "get": lambda: service.get(TUNING, name),
        "list": lambda: service.search(TUNING),
        "cancel": lambda: service.cancel(TUNING, name),
    }
    asked[verb]()
    assert not faults
    assert len(server.store.names()) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_connection_is_lost_and_back(server: Server, transport: str) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 3:
            server.start()
        return threading.Event().wait(0.02)  # gRPC needs a moment of its own to see that the service is back

    client = server.client(transport)
    name = JobService(client, PROJECT, REGION, BRIEF).create(TUNING, bodies.tuning())["name"]
    server.stop()
    with pytest.raises(UnreachableError, match="cannot get the tuning job: no connection .*; try again later"):
        JobService(client, PROJECT, REGION, BRIEF).get(TUNING, name)
    patient = Patience(seconds=60.0, first=0.01, wait=wait)
    assert JobService(client, PROJECT, REGION, patient).get(TUNING, name)["name"] == name
    assert len(waits) >= 3


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            Refused("UNAUTHENTICATED", "Request had invalid authentication credentials."),
            r"rejected these credentials \(401\); gcloud auth application-default login",
        ),
        (
            Refused("PERMISSION_DENIED", "Permission 'iam.serviceAccounts.actAs' denied on service account x@y"),
            r"`--project` .* projects/demo-project/locations/europe-west4 "
            r"\(the permission iam\.serviceAccounts\.actAs is missing; 403\)",
        ),
        (
            Refused(
                "PERMISSION_DENIED", "Vertex AI API has not been used, or it is disabled.", reason="SERVICE_DISABLED"
            ),
            r"gcloud services enable aiplatform\.googleapis\.com --project=demo-project",
        ),
        (
            Refused(
                "RESOURCE_EXHAUSTED", "The following quotas are exceeded: CustomModelTrainingCPUsPerProjectPerRegion"
            ),
            r"quota of projects/demo-project/locations/europe-west4 .* CustomModelTrainingCPUs.*"
            r"iam-admin/quotas\?project=demo-project",
        ),
        (
            Refused("INVALID_ARGUMENT", "List of found errors:", {"trial_job_spec.network": "It is no network."}),
            r"rejected it \(400\): `trial_job_spec\.network`: It is no network\.$",
        ),
        (
            Refused("INVALID_ARGUMENT", "Machine type x1 is\n not supported."),
            r"\(400\): Machine type x1 is not supported\.$",
        ),
    ],
)
def test_rejects_in_one_line_what_the_service_refuses(
    server: Server, service: JobService, refused: Refused, message: str
) -> None:
    server.fault(once(refused, "create"))
    with pytest.raises(UsageError, match=message) as caught:
        service.create(TUNING, bodies.tuning())
    assert "\n" not in str(caught.value)
    assert verbs(server) == ["create"]  # no second try
    assert server.store.names() == []


def test_rejects_what_is_not_there(server: Server, service: JobService) -> None:
    name = f"projects/{PROJECT}/locations/{REGION}/hyperparameterTuningJobs/1"
    with pytest.raises(UsageError, match=rf"cannot get the tuning job: there is no {name}"):
        service.get(TUNING, name)
    with pytest.raises(UsageError, match="cannot cancel the tuning job: there is no"):
        service.cancel(TUNING, name)


def test_rejects_a_project_that_is_not_ours(server: Server) -> None:
    service = JobService(server.client("grpc"), "other", REGION, HASTY)
    with pytest.raises(UsageError, match=r"aiplatform\.hyperparameterTuningJobs\.create is missing"):
        service.create(TUNING, bodies.tuning())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maxTrials": 3}, 'no field named "maxTrials"'),
        ({"maxTrialCount": "many"}, "maxTrialCount"),
        ({"studySpec": {"algorithm": "BEST"}}, "BEST"),
    ],
)
def test_rejects_what_the_messages_do_not_know(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parsed(TUNING, bodies.tuning(**change))


def test_says_what_a_service_that_never_answers_means(server: Server) -> None:
    def fault(request: Request) -> Fault:
        return Refused("INTERNAL", "oops")

    server.fault(fault)
    service = JobService(server.client("rest"), PROJECT, REGION, BRIEF)
    with pytest.raises(
        UnreachableError, match=r"cannot create the tuning job: 500 Internal Server Error; try again later"
    ):
        service.create(TUNING, bodies.tuning())


def test_a_stale_credential_behind_grpc_is_no_lost_connection() -> None:
    from google.api_core.exceptions import ServiceUnavailable

    class Client:
        def get_custom_job(self, **_: object) -> None:
            raise ServiceUnavailable("Getting metadata from plugin failed with error: Reauthentication is needed.")

    with pytest.raises(UsageError, match="credentials"):
        JobService(Client(), PROJECT, REGION, HASTY).get(CUSTOM, "projects/p/locations/r/customJobs/1")


def test_connects_to_another_address(server: Server) -> None:
    client = connect(REGION, {OVERRIDE: server.url})
    try:
        assert JobService(client, PROJECT, REGION, HASTY).search(CUSTOM) == []
    finally:
        client.transport.close()


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({}, "europe-west4-aiplatform.googleapis.com:443"),
        ({OVERRIDE: "https://vertex.example.com/"}, "vertex.example.com:443"),
    ],
)
def test_connects_with_this_machines_credentials(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], host: str
) -> None:
    monkeypatch.setattr("google.auth.default", lambda *_, **__: (AnonymousCredentials(), "p"))
    client = connect(REGION, variables)
    assert (client.transport.host, client.transport.kind) == (host, "grpc")
    client.transport.close()


def test_rejects_a_machine_without_credentials_or_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise auth.DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", nobody)
    with pytest.raises(UsageError, match="needs Google credentials; gcloud auth application-default login"):
        connect(REGION, {})
    monkeypatch.setitem(sys.modules, "google.cloud.aiplatform_v1", None)
    monkeypatch.delattr("google.cloud.aiplatform_v1", raising=False)
    with pytest.raises(UsageError, match=r" -m pip install .*\[vertex\]'$"):
        connect(REGION, {})


def test_a_job_has_a_name_a_page_and_commands() -> None:
    name = JobName.parse("projects/p-1/locations/europe-west4/customJobs/123")
    assert name == JobName("p-1", "europe-west4", CUSTOM, "123")
    assert str(name) == "projects/p-1/locations/europe-west4/customJobs/123"
    assert name.page == (
        "https://console.cloud.google.com/agent-platform/locations/europe-west4/training/123?project=p-1"
    )
    assert name.gcloud("cancel") == "gcloud ai custom-jobs cancel 123 --project=p-1 --region=europe-west4"
    assert str(JobName.parse("123", "p", "us-east1")) == "projects/p/locations/us-east1/hyperparameterTuningJobs/123"


@pytest.mark.parametrize(
    "text", ["123", "jobs/123", "projects/p/locations/r/models/1", "projects/p/locations/r/customJobs/x"]
)
def test_rejects_what_is_no_name(text: str) -> None:
    with pytest.raises(UsageError, match=f"`--results` must be a job's name, .* Received: {text}"):
        JobName.parse(text)
