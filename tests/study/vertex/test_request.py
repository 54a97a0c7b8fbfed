"""What is sent: config.yaml's job, and what each flag changes of it."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.vertex import bodies
from trainer.study.config import document as config
from trainer.study.config import messages
from trainer.study.options import Options
from trainer.study.vertex.job import CUSTOM, TUNING
from trainer.study.vertex.request import Request, overridden, request
from trainer.study.vertex.service import parsed

NOW = datetime.datetime(2026, 7, 1, 12, 30)
SHIPPED = Path(__file__).parents[3] / "config.yaml"
FLAGS = {"a": "", "b": "", "c": "", "dash_ed": "", "yes": "yes", "yes_too": "yes"}
PLACE = {"project": "my-project", "region": "europe-west4", "bucket": "gs://my-bucket"}


def made(*flags: str, document: dict[str, Any] | None = None, **options: Any) -> Request:
    return request(document or bodies.tuning(), Options(**{**PLACE, **options}), flags, "abc", NOW)


def pool(request: Request, index: int = 0) -> dict[str, Any]:
    return dict(request.spec["workerPoolSpecs"][index])


def test_a_file_is_sent_with_its_placeholders_filled_and_little_else() -> None:
    expected = bodies.tuning(labels={"trainer-submission": "abc"})
    spec = expected["trialJobSpec"]
    spec["baseOutputDirectory"] = {"outputUriPrefix": "gs://my-bucket/trainer-20260701-123000"}
    image = "europe-west4-docker.pkg.dev/my-project/trainer/trainer:latest"
    spec["workerPoolSpecs"][0]["containerSpec"]["imageUri"] = image
    assert made() == Request(TUNING, expected)


def test_the_document_stays_as_it_was() -> None:
    document = bodies.tuning()
    made("--epochs=1", document=document, image="a/b", replica_count=3, machine_type="n1", job="custom", spot="no")
    assert document == bodies.tuning()


def test_a_name_and_a_folder_in_a_bucket() -> None:
    sent = made(display_name="My Digits!", bucket="gs://my-bucket/a/b/")
    assert sent.name == "My Digits!"
    assert sent.output == "gs://my-bucket/a/b/my-digits-20260701-123000"
    assert made(bucket="my-bucket").output == "gs://my-bucket/trainer-20260701-123000"
    assert made(bucket="").output == "gs://BUCKET/trainer"


def test_a_bucket_stands_in_for_its_placeholder_everywhere() -> None:
    document = bodies.tuning()
    document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] = ["--data=gs://BUCKET/mnist"]
    container = pool(made(document=document, bucket="gs://my-bucket/runs"))["containerSpec"]
    assert container["args"] == ["--data=gs://my-bucket/mnist"]


@pytest.mark.parametrize(
    ("option", "value", "field", "expected"),
    [
        ("service_account", "t@p.iam.gserviceaccount.com", "serviceAccount", "t@p.iam.gserviceaccount.com"),
        ("tensorboard", "12", "tensorboard", "projects/my-project/locations/europe-west4/tensorboards/12"),
        (
            "tensorboard",
            "projects/p/locations/r/tensorboards/1",
            "tensorboard",
            "projects/p/locations/r/tensorboards/1",
        ),
        ("spot", "no", "scheduling", {"strategy": "STANDARD"}),
        ("spot", "", "scheduling", {"strategy": "SPOT"}),
    ],
)
def test_an_option_changes_the_spec(option: str, value: str, field: str, expected: object) -> None:
    assert made(**{option: value}).spec[field] == expected
    assert made(**{option: value}, job="custom").spec[field] == expected


def test_spot_keeps_what_else_is_said_about_scheduling() -> None:
    document = bodies.tuning()
    document["trialJobSpec"]["scheduling"] = {"timeout": "3600s"}
    assert made(document=document, spot="yes").spec["scheduling"] == {"timeout": "3600s", "strategy": "SPOT"}


def test_machines() -> None:
    sent = made(image="a-docker.pkg.dev/b/c/d:e", machine_type="g2-standard-8", accelerator_type="NVIDIA_L4")
    assert pool(sent)["machineSpec"] == {
        "machineType": "g2-standard-8",
        "acceleratorType": "NVIDIA_L4",
        "acceleratorCount": 1,
    }
    assert sent.images == ["a-docker.pkg.dev/b/c/d:e"]
    assert pool(made(accelerator_type="NVIDIA_L4", accelerator_count=4))["machineSpec"]["acceleratorCount"] == 4


@pytest.mark.parametrize(("count", "replicas"), [(0, [1]), (1, [1]), (2, [1, 1]), (5, [1, 4])])
def test_a_chief_and_its_workers(count: int, replicas: list[int]) -> None:
    sent = made("--epochs=3", replica_count=count, image="a/b:c", machine_type="n2-standard-4")
    pools = sent.spec["workerPoolSpecs"]
    assert [one["replicaCount"] for one in pools] == replicas
    assert len({str({**one, "replicaCount": 0}) for one in pools}) == 1
    assert parsed(TUNING, sent.body).trial_job_spec.worker_pool_specs[0].replica_count == 1


def test_counts_are_a_tuning_jobs() -> None:
    sent = made(max_trial_count=30, parallel_trial_count=5)
    assert (sent.body["maxTrialCount"], sent.body["parallelTrialCount"]) == (30, 5)
    assert "maxTrialCount" not in made(max_trial_count=30, job="custom").body


def test_one_run_from_the_same_file() -> None:
    sent = made("--filters=64", "--epochs=30", job="custom", display_name="one")
    assert sent.kind == CUSTOM
    assert [*sent.body] == ["displayName", "labels", "jobSpec"]
    assert pool(sent)["containerSpec"]["args"] == ["--data=digits", "--filters=64", "--epochs=30"]
    assert sent.output == "gs://my-bucket/one-20260701-123000"
    parsed(CUSTOM, sent.body)


@pytest.mark.parametrize(
    ("arguments", "flags", "expected"),
    [
        (["--a=1", "--b=2"], [], ["--a=1", "--b=2"]),
        (["--a=1", "--b=2"], ["--a=3"], ["--b=2", "--a=3"]),
        (["--a", "1", "--b=2"], ["--b", "3"], ["--a=1", "--b=3"]),
        (["--dash-ed=1"], ["--dash_ed=2"], ["--dash_ed=2"]),
        (["--a=1"], ["--a=2", "--a=3"], ["--a=3"]),
        (["--a=x=y", "-b", "-1"], ["--c=-2"], ["--a=x=y", "--b=-1", "--c=-2"]),
        (["--yes", "--a", "1"], ["--yes-too", "--b", "2"], ["--yes=yes", "--a=1", "--yes_too=yes", "--b=2"]),
        (["--a=1"], ["--yes"], ["--a=1", "--yes=yes"]),
    ],
)
def test_flags_take_the_place_of_the_same_ones(arguments: list[str], flags: list[str], expected: list[str]) -> None:
    assert overridden(arguments, flags, FLAGS) == expected


@pytest.mark.parametrize("job", ["tuning", "custom"])
@pytest.mark.parametrize(
    ("own", "flags", "expected"),
    [([], [], ["--metric=loss"]), (["--metric=loss"], [], ["--metric=loss"]), ([], ["--metric=auc"], ["--metric=auc"])],
)
def test_trials_are_told_the_metric_of_their_study(
    own: list[str], flags: list[str], expected: list[str], job: str
) -> None:
    document = bodies.tuning()
    document["studySpec"]["metrics"] = [{"metricId": "val_loss", "goal": "MINIMIZE"}]
    document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] = ["--data=digits", *own]
    sent = made(*flags, document=document, job=job, replica_count=2)
    for index in (0, 1):
        assert pool(sent, index)["containerSpec"]["args"] == ["--data=digits", *expected]


def test_yaml_says_exactly_what_is_sent() -> None:
    document = bodies.tuning()
    texts = [
        "yes",
        "1e3",
        "1.5",
        "0o17",
        "0x1f",
        "null",
        "~",
        "a: b",
        "# c",
        " d ",
        "é",
        "-",
        "1_000",
        "2026-01-01",
        "=",
    ]
    document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] = [*texts, "--long=" + "x y " * 60]
    sent = made(document=document)
    assert yaml.safe_load(sent.as_yaml()) == sent.body
    assert "'1e3'" in sent.as_yaml()  # a number for YAML 1.2


def test_the_command_line_of_a_tuning_job() -> None:
    sent = made(display_name="my job")
    command = sent.as_command("my-project", "europe-west4")
    first, *content, last = command.splitlines()
    assert first == (
        "gcloud ai hp-tuning-jobs create --project=my-project --region=europe-west4 '--display-name=my job' "
        "--config=/dev/stdin <<'YAML'"
    )
    assert last == "YAML"
    assert yaml.safe_load("\n".join(content)) == sent.body


def test_the_command_line_of_a_custom_job() -> None:
    sent = made(job="custom")
    first, *content, _ = sent.as_command("my-project", "europe-west4").splitlines()
    assert first == (
        "gcloud ai custom-jobs create --project=my-project --region=europe-west4 --display-name=trainer "
        "--labels=trainer-submission=abc --config=/dev/stdin <<'YAML'"
    )
    assert yaml.safe_load("\n".join(content)) == sent.spec


@pytest.mark.parametrize("job", ["tuning", "custom"])
def test_the_shipped_file_becomes_a_request_that_the_messages_take(job: str) -> None:
    sent = made(document=dict(config.read(SHIPPED).document), job=job, replica_count=3, accelerator_type="NVIDIA_L4")
    assert messages.check(sent.body, sent.kind.message) == []
    parsed(sent.kind, sent.body)
