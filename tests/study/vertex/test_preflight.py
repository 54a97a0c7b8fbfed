"""What is found before a job is submitted: all at once, each with what to do."""

import datetime
import re
from typing import Any

import pytest

from tests.vertex import bodies
from trainer.errors import UsageError
from trainer.study.options import Options
from trainer.study.vertex import data_location, preflight
from trainer.study.vertex.request import request

PLACE = {"project": "my-project", "region": "europe-west4", "bucket": "gs://my-bucket"}
ACCOUNT = "trainer@my-project.iam.gserviceaccount.com"


def problems(document: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    options = Options(**{**PLACE, **changes})
    made = request(document or bodies.tuning(), options, [], "abc", datetime.datetime(2026, 7, 1))
    return [*preflight.check(made, options)]


def looked(bucket: Any, image: Any = lambda image: "") -> list[str]:
    options = Options(**PLACE)
    made = request(bodies.tuning(), options, [], "abc", datetime.datetime(2026, 7, 1))
    return [*preflight.look(made, options, bucket, image)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"job": "custom"},
        {"service_account": ACCOUNT, "tensorboard": "12"},
        {"project": "example.com:my-project", "image": "europe-docker.pkg.dev/my-project/trainer/trainer:latest"},
        {"project": "123456789012"},
        {"machine_type": "g2-standard-24", "accelerator_type": "NVIDIA_L4", "accelerator_count": 2, "replica_count": 4},
        {"accelerator_type": "TPU_V5_LITEPOD", "job": "custom"},
        {"image": "europe-west4-docker.pkg.dev/my-project/trainer/trainer@sha256:" + 64 * "a"},
    ],
)
def test_finds_nothing_wrong(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(
    ("changes", "flag", "message"),
    [
        ({"project": ""}, "--project", "must be given with --target=vertex. Received: nothing"),
        ({"project": "My Project"}, "--project", "must be a project's id, .* Received: My Project"),
        ({"region": ""}, "--region", "as in europe-west4. Received: nothing"),
        ({"region": "europe-west44"}, "--region", "Did you mean europe-west4? Received: europe-west44"),
        ({"bucket": ""}, "--bucket", "has words in capitals to replace. Received: gs://BUCKET/trainer"),
        ({"bucket": "gs://My Bucket"}, "--bucket", "must be a folder in a bucket"),
        ({"image": "not an image"}, "--image", "must be a container image, .* Received: not an image"),
        ({"service_account": "me@example.com"}, "--service_account", "Received: me@example.com"),
        ({"tensorboard": "12"}, "--service_account", "must be given with --tensorboard"),
        (
            {"tensorboard": "projects/p/locations/us-east1/tensorboards/1", "service_account": ACCOUNT},
            "--tensorboard",
            "must be in europe-west4, .* Received: projects/p/locations/us-east1/tensorboards/1",
        ),
        ({"accelerator_count": 2}, "--accelerator_type", "must be given with --accelerator_count"),
        (
            {"accelerator_type": "NVIDIA_L4", "replica_count": 3},
            "--machine_type",
            "must be one that takes NVIDIA_L4, as in g2-standard-8. Received: n2-standard-8",
        ),
        ({"accelerator_type": "NVIDIA_L5"}, "acceleratorType", "NVIDIA_L4.* Received: NVIDIA_L5"),
        ({"accelerator_type": "TPU_V5_LITEPOD"}, "--accelerator_type", "must be a GPU: .* Received: TPU_V5_LITEPOD"),
        ({"parallel_trial_count": 9}, "--parallel_trial_count", "at most the number of trials, 4. Received: 9"),
    ],
)
def test_rejects_what_could_not_run(changes: dict[str, Any], flag: str, message: str) -> None:
    found = problems(**changes)
    pattern = message.replace("?", r"\?").replace(".", r"\.").replace(r"\.*", ".*")
    assert any(re.search(rf"`[^`]*{flag}`.*{pattern}", problem) for problem in found), found


def _with_data(data: str, **pool: Any) -> dict[str, Any]:
    document = bodies.tuning()
    document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] = ["--epochs=1", "--data", data]
    document["trialJobSpec"]["workerPoolSpecs"][0] |= pool
    return document


@pytest.mark.parametrize("data", ["photos", "./photos", "/home/me/photos", "~/photos", "a.csv", "../digits", "Digits"])
def test_rejects_data_that_no_container_has(data: str) -> None:
    (problem,) = problems(_with_data(data))
    assert problem.startswith(
        "`--data` on Vertex AI must be in a bucket, as gs://BUCKET/… or /gcs/BUCKET/…, or one of "
    )
    assert problem.endswith(f"Received: {data}")
    options = Options(**PLACE, job="custom")
    made = request(bodies.tuning(), options, ["--data", data], "abc", datetime.datetime(2026, 7, 1))
    assert [*preflight.check(made, options)] == [problem]


@pytest.mark.parametrize("data", ["gs://my-bucket/photos", "/gcs/my-bucket/a.csv", "digits", "cifar100", "managed"])
def test_data_that_a_container_has(data: str) -> None:
    assert problems(_with_data(data)) == []


@pytest.mark.parametrize(
    ("flag", "value", "names"),
    [
        ("weights", "mine.weights.h5", "or imagenet: containers cannot read"),
        ("weights", "~/a.h5", "or imagenet: containers cannot read"),
        ("weights", "./imagenet.keras", "or imagenet: containers cannot read"),
        ("model", "runs/a/model.keras", "or the name of a network: containers cannot read"),
        ("model", "/home/me/backbone.keras", "or the name of a network: containers cannot read"),
    ],
)
def test_rejects_a_network_that_no_container_has(flag: str, value: str, names: str) -> None:
    (problem,) = problems(_with(f"--{flag}={value}"))
    assert problem.startswith(f"`--{flag}` on Vertex AI must be in a bucket, as gs://BUCKET/… or /gcs/BUCKET/…, ")
    assert names in problem
    assert problem.endswith(f"; upload it with gcloud storage cp --recursive. Received: {value}")
    document = bodies.tuning()
    child = {"parameterId": flag, "categoricalValueSpec": {"values": ["gs://my-bucket/a.keras", value]}}
    condition = {"parentCategoricalValues": {"values": ["same"]}, "parameterSpec": child}
    document["studySpec"]["parameters"][2]["conditionalParameterSpecs"] = [condition]
    assert problems(document) == [problem]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model=MobileNetV3Small", "--weights=imagenet"],
        ["--model=gs://my-bucket/a.keras"],
        ["--model=EfficientNetB0", "--weights", "/gcs/my-bucket/a.h5"],
        ["--model=lab.nets:wide"],
        ["--model=residual", "--weights="],
    ],
)
def test_a_network_that_a_container_may_have(arguments: list[str]) -> None:
    assert problems(_with(*arguments)) == []


def _with(*arguments: str) -> dict[str, Any]:
    document = bodies.tuning()
    document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] = ["--epochs=1", *arguments]
    return document


def test_a_module_that_the_image_needs_is_named_once() -> None:
    document = _with("--data=digits")
    values = ["lab.nets:wide", "linear", "lab.nets:wide", "deep:build"]
    document["studySpec"]["parameters"] = [{"parameterId": "model", "categoricalValueSpec": {"values": values}}]
    made = request(document, Options(**PLACE), [], "abc", datetime.datetime(2026, 7, 1))
    assert [*data_location.notes(made)] == [
        "--model=lab.nets:wide needs the module lab.nets in the image: make image ARGS=--package=FOLDER",
        "--model=deep:build needs the module deep in the image: make image ARGS=--package=FOLDER",
    ]


def test_looks_for_the_files_of_a_network() -> None:
    document = _with("--model=gs://my-bucket/there.keras", "--weights=gs://my-bucket/gone.h5")
    made = request(document, Options(**PLACE), [], "abc", datetime.datetime(2026, 7, 1))
    found = preflight.look(made, Options(**PLACE), lambda _: "", lambda _: "", lambda address: "gone" in address)
    assert [*found] == ["`--weights` must be a file that exists. Received: gs://my-bucket/gone.h5"]


def test_data_on_a_share_that_is_mounted() -> None:
    share = [{"server": "10.0.0.1", "path": "/photos", "mountPoint": "photos"}]
    assert problems(_with_data("/mnt/nfs/photos", nfsMounts=share)) == []
    assert len(problems(_with_data("/mnt/nfs/photos"))) == 1


def test_rejects_data_that_a_study_would_suggest() -> None:
    document = bodies.tuning()
    values = ["gs://my-bucket/photos", "photos"]
    document["studySpec"]["parameters"] = [{"parameterId": "data", "categoricalValueSpec": {"values": values}}]
    (problem,) = problems(document)
    assert problem.endswith("Received: photos")


def test_tells_a_wrong_project_once_though_the_images_address_has_it_too() -> None:
    (problem,) = problems(project="My Project")
    assert problem.startswith("`--project`")


def test_tells_all_at_once() -> None:
    found = problems(project="", region="mars", bucket="", image="A B", tensorboard="1", accelerator_count=1)
    flags = ("--project", "--region", "--bucket", "--image", "--service_account", "--accelerator_type")
    assert all(any(problem.startswith(f"`{flag}`") for problem in found) for flag in flags)
    assert all("\n" not in problem for problem in found)
    assert len(found) == len(flags)  # and each once


def test_a_job_without_a_folder_or_machine() -> None:
    document = bodies.tuning()
    document["trialJobSpec"] = {"workerPoolSpecs": [{"containerSpec": {"imageUri": "a.b/c/d"}, "replicaCount": 1}]}
    found = problems(document, bucket="")
    assert [problem.split("`")[1] for problem in found] == ["--bucket", "--machine_type"]


def test_a_word_in_capitals_that_no_flag_replaces() -> None:
    document = bodies.tuning()
    document["trialJobSpec"] |= {
        "serviceAccount": "NAME@PROJECT.iam.gserviceaccount.com",
        "tensorboard": "projects/PROJECT/locations/REGION/tensorboards/NUMBER",
    }
    found = problems(document)
    assert found == [
        "`--service_account` must be given, because `trialJobSpec.serviceAccount` has words in capitals to replace. "
        "Received: NAME@my-project.iam.gserviceaccount.com",
        "`--tensorboard` must be given, because `trialJobSpec.tensorboard` has words in capitals to replace. "
        "Received: projects/my-project/locations/europe-west4/tensorboards/NUMBER",
    ]
    assert problems(document, service_account=ACCOUNT, tensorboard="1") == []


def test_looks_at_the_bucket_and_the_image() -> None:
    assert looked(lambda name: {"my-bucket": "europe-west4"}[name]) == []
    assert looked(lambda name: "") == []  # it is unknown
    assert looked(lambda name: "us-east1", lambda image: f"no {image}") == [
        "`--bucket` must be in europe-west4, as the machines are: gcloud storage buckets create gs://NAME "
        "--project=my-project --location=europe-west4. Received: gs://my-bucket, in us-east1",
        "no europe-west4-docker.pkg.dev/my-project/trainer/trainer:latest",
    ]


def test_rejects_a_bucket_that_is_not_there_and_looks_on() -> None:
    def missing(name: str) -> str:
        raise UsageError(f"no {name}")

    assert looked(missing, lambda image: "no image") == ["no my-bucket", "no image"]
