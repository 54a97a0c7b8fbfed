"""Checks that a batch divides by the devices that share it, before a machine is paid for."""

import datetime
from typing import Any

import pytest

from tests.vertex import bodies
from trainer.study.options import Options
from trainer.study.vertex.request import Request, request
from trainer.study.vertex.shared_batch import problems

L4 = {"accelerator_type": "NVIDIA_L4", "machine_type": "g2-standard-24", "accelerator_count": 2}


def made(*flags: str, parameters: list[dict[str, Any]] | None = None, **changes: Any) -> Request:
    options = Options(project="my-project", region="europe-west4", bucket="my-bucket", **changes)
    document = bodies.tuning()
    document["studySpec"]["parameters"] += parameters or []
    return request(document, options, flags, "abc", datetime.datetime(2026, 7, 1))


def listed(*values: int) -> dict[str, Any]:
    return {"parameterId": "batch_size", "discreteValueSpec": {"values": list(values)}}


def span(first: int, last: int) -> dict[str, Any]:
    return {"parameterId": "batch_size", "integerValueSpec": {"minValue": first, "maxValue": last}}


def below(child: dict[str, Any]) -> dict[str, Any]:
    branch = {"parentIntValues": {"values": [1]}, "parameterSpec": child}
    return {"parameterId": "conv_layers", "integerValueSpec": {}, "conditionalParameterSpecs": [branch]}


@pytest.mark.parametrize(
    "fitting",
    [
        made(),
        made(replica_count=4),
        made(replica_count=3),  # the run chooses a batch size that fits
        made("--batch_size=96", replica_count=3, job="custom"),
        made("--batch_size=7"),
        made(parameters=[listed(32, 64)], replica_count=4),
        made(parameters=[span(7, 7)], replica_count=7),
        made(parameters=[span(1, 100)]),
        made("--strategy=single", "--batch_size=7", **L4),
        made(**L4, replica_count=4),
        made("--batch_size=7", accelerator_type="TPU_V5_LITEPOD", accelerator_count=4, job="custom"),
    ],
)
def test_says_nothing_where_it_does(fitting: Request) -> None:
    assert [*problems(fitting)] == []


@pytest.mark.parametrize(
    ("wrong", "devices", "received"),
    [
        (made("--batch_size=7", **L4), 2, "7"),
        (made("--batch_size=12", **L4, replica_count=4, job="custom"), 8, "12"),
        (made(parameters=[listed(6, 8, 9)], replica_count=3), 3, "8"),
        (made(parameters=[listed(6, 7, 8)], replica_count=3), 3, "7, 8"),
        (made(parameters=[span(8, 64)], replica_count=4), 4, "9"),
        (made(parameters=[below(listed(7))], replica_count=2), 2, "7"),
    ],
)
def test_rejects_what_does_not_divide(wrong: Request, devices: int, received: str) -> None:
    rule = f"must be a multiple of the {devices} devices that share a batch"
    assert [*problems(wrong)] == [f"`--batch_size` {rule}. Received: {received}"]


def test_says_what_is_wrong_with_the_flags_of_one_run() -> None:
    (problem,) = problems(made("--no_such=1", job="custom"))
    assert problem.startswith("`--no_such` is not a flag")
