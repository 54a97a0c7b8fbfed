"""The fake, asked by Google's own client over both of its transports."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1

from tests.vertex import bodies, demo
from tests.vertex.jobs import NUMBER
from tests.vertex.refusals import Refused
from tests.vertex.server import PARENT, TRANSPORTS, Server
from tests.vertex.service import Lost, once
from trainer.study.vertex.job import CUSTOM, TUNING, Kind
from trainer.study.vertex.service import parsed

Ask = dict[str, Any]


@pytest.fixture(params=TRANSPORTS)
def client(request: pytest.FixtureRequest, server: Server) -> aiplatform_v1.JobServiceClient:
    return server.client(request.param)


def create(client: aiplatform_v1.JobServiceClient, kind: Kind, body: dict[str, Any]) -> Any:
    request = {"parent": PARENT, kind.noun: parsed(kind, body)}
    return getattr(client, f"create_{kind.noun}")(request=request, timeout=10)


@pytest.mark.parametrize(("kind", "body"), [(TUNING, bodies.tuning()), (CUSTOM, bodies.custom())])
def test_creates_gets_lists_and_cancels(
    client: aiplatform_v1.JobServiceClient, kind: Kind, body: dict[str, Any]
) -> None:
    made = create(client, kind, body)
    assert made.name.startswith(f"projects/{NUMBER}/locations/europe-west4/{kind.collection}/")
    assert made.state == aiplatform_v1.JobState.JOB_STATE_PENDING
    assert made.create_time
    found = getattr(client, f"get_{kind.noun}")(request={"name": made.name})
    assert found == made
    assert [*getattr(client, f"list_{kind.noun}s")(request={"parent": PARENT})] == [made]
    getattr(client, f"cancel_{kind.noun}")(request={"name": made.name})
    found = getattr(client, f"get_{kind.noun}")(request={"name": made.name})
    assert found.state == aiplatform_v1.JobState.JOB_STATE_CANCELLED
    with pytest.raises((exceptions.FailedPrecondition, exceptions.BadRequest)):
        getattr(client, f"cancel_{kind.noun}")(request={"name": made.name})


def test_lists_by_pages_and_filters(client: aiplatform_v1.JobServiceClient) -> None:
    names = [create(client, TUNING, bodies.tuning(displayName=f"job {index}")).name for index in range(5)]
    pages = client.list_hyperparameter_tuning_jobs(request={"parent": PARENT, "page_size": 2}).pages
    assert [[job.name for job in page.hyperparameter_tuning_jobs] for page in pages] == [
        [names[4], names[3]],
        [names[2], names[1]],
        [names[0]],
    ]

    def chosen(filter: str) -> int:
        return len([*client.list_hyperparameter_tuning_jobs(request={"parent": PARENT, "filter": filter})])

    assert chosen('display_name="job 3"') == 1
    assert chosen('display_name:"job*" AND state="JOB_STATE_PENDING"') == 5
    assert chosen('labels.trainer-submission="one" AND NOT display_name="job 0"') == 4
    assert chosen('labels.trainer-submission="two"') == 0
    with pytest.raises(exceptions.BadRequest, match="Invalid filter"):
        chosen("size>3")


def test_goes_through_its_script(server: Server, client: aiplatform_v1.JobServiceClient) -> None:
    server.store.script = [
        {"state": "JOB_STATE_RUNNING", "trials": [bodies.trial(1, "ACTIVE", 0.5)]},
        {"state": "JOB_STATE_SUCCEEDED", "trials": [bodies.trial(1, "SUCCEEDED", 0.5, 0.75)]},
    ]
    name = create(client, TUNING, bodies.tuning()).name
    states = [client.get_hyperparameter_tuning_job(request={"name": name}) for _ in range(3)]
    assert [job.state.name for job in states] == ["JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED", "JOB_STATE_SUCCEEDED"]
    assert [len(job.trials[0].measurements) for job in states] == [1, 2, 2]
    assert states[2].trials[0].final_measurement.metrics[0].value == 0.75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"displayName": ""}, "display name"),
        ({"maxTrialCount": 0}, "greater than 0"),
        ({"parallelTrialCount": 9}, "max_trial_count"),
        ({"studySpec": {}}, "Exactly one metric"),
        ({"trialJobSpec": {}}, "at least one"),
        ({"labels": {"Upper": "x"}}, "lower case"),
    ],
)
def test_rejects_a_job_it_cannot_run(
    client: aiplatform_v1.JobServiceClient, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(exceptions.BadRequest, match=message):
        create(client, TUNING, bodies.tuning(**change))


def test_rejects_what_is_not_there_or_not_allowed(server: Server, client: aiplatform_v1.JobServiceClient) -> None:
    with pytest.raises(exceptions.NotFound, match="does not exist"):
        client.get_custom_job(request={"name": f"{PARENT}/customJobs/1"})
    with pytest.raises(exceptions.Forbidden, match=r"aiplatform\.customJobs\.list"):
        client.list_custom_jobs(request={"parent": "projects/other/locations/europe-west4"})
    server.store.granted = ["aiplatform.customJobs.list"]
    with pytest.raises(exceptions.Forbidden, match=r"aiplatform\.customJobs\.create"):
        create(client, CUSTOM, bodies.custom())
    with pytest.raises(exceptions.BadRequest, match="location"):
        client.list_custom_jobs(request={"parent": "projects/demo-project/locations/us-east1"})


@pytest.mark.parametrize("lost", Lost)
def test_loses_a_request_or_its_reply(server: Server, client: aiplatform_v1.JobServiceClient, lost: Lost) -> None:
    server.fault(once(lost, "create"))
    with pytest.raises((exceptions.ServiceUnavailable, ConnectionError, OSError)):
        create(client, CUSTOM, bodies.custom())
    assert len(server.store.names()) == (lost is Lost.REPLY)


def test_refuses_as_it_is_told(server: Server, client: aiplatform_v1.JobServiceClient) -> None:
    server.fault(once(Refused("RESOURCE_EXHAUSTED", "too much"), "create"))
    with pytest.raises(exceptions.TooManyRequests, match="too much"):
        create(client, CUSTOM, bodies.custom())
    create(client, CUSTOM, bodies.custom())


def test_the_demos_job_comes_to_its_end(server: Server, client: aiplatform_v1.JobServiceClient) -> None:
    server.store.script = demo.script(5)
    name = create(client, TUNING, bodies.tuning()).name
    looks = [client.get_hyperparameter_tuning_job(request={"name": name}) for _ in range(7)]
    assert [len(job.trials) for job in looks] == [0, 1, 2, 3, 4, 5, 5]
    assert [trial.state.name for trial in looks[-1].trials] == [*["SUCCEEDED"] * 4, "INFEASIBLE"]
