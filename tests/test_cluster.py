import json
import math
from typing import Any

import pytest

from trainer.cluster import Cluster
from trainer.errors import UsageError

A, B, C = "a:2222", "b:2222", "c.example:80"


def _read(name: str, cluster: dict[str, list[str]], kind: str, index: int) -> Cluster | None:
    said = {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}
    return Cluster.read({name: json.dumps(said)})


@pytest.mark.parametrize(
    ("name", "cluster", "kind", "index", "expected"),
    [
        ("TF_CONFIG", {"worker": [A, B]}, "worker", 1, Cluster((A, B), 1)),
        ("TF_CONFIG", {"chief": [A], "worker": [B, C]}, "worker", 1, Cluster((A, B, C), 2)),
        ("TF_CONFIG", {"worker": [B, C], "chief": [A]}, "chief", 0, Cluster((A, B, C), 0)),
        ("TF_CONFIG", {"master": [A], "worker": [B], "ps": [C]}, "worker", 0, Cluster((A, B), 1)),
        ("CLUSTER_SPEC", {"workerpool0": [A], "workerpool1": [B, C]}, "workerpool1", 0, Cluster((A, B, C), 1)),
        ("CLUSTER_SPEC", {"workerpool0": [A], "workerpool3": [B]}, "workerpool0", 0, None),
        ("CLUSTER_SPEC", {"workerpool0": [A]}, "workerpool0", 0, None),
        ("TF_CONFIG", {}, "worker", 0, None),
        ("TF_CONFIG", {"chief": [A], "ps": [B], "evaluator": [C]}, "chief", 0, None),  # trains by itself
        ("TF_CONFIG", {"master": [A], "ps": [B]}, "master", 0, None),  # as the former ML Engine has it
        ("TF_CONFIG", {"master": [A], "ps": [B], "worker": [C]}, "master", 0, Cluster((A, C), 0)),
    ],
)
def test_reads(name: str, cluster: dict[str, list[str]], kind: str, index: int, expected: Cluster | None) -> None:
    assert _read(name, cluster, kind, index) == expected


def test_the_first_machine_alone_is_chief() -> None:
    assert [Cluster((A, B), index).is_chief for index in (0, 1)] == [True, False]


def test_no_variable_no_cluster() -> None:
    assert Cluster.read({}) is None
    assert Cluster.read({"TF_CONFIG": ""}) is None


def test_tf_config_goes_before_cluster_spec() -> None:
    tf_config = json.dumps({"cluster": {"worker": [A, B]}, "task": {"type": "worker", "index": 0}})
    spec = json.dumps(
        {"cluster": {"workerpool0": [C], "workerpool1": [B]}, "task": {"type": "workerpool1", "index": 0}}
    )
    assert Cluster.read({"CLUSTER_SPEC": spec, "TF_CONFIG": tf_config}) == Cluster((A, B), 0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "must be JSON with `cluster` and `task`"),
        ("[]", "must be JSON with `cluster` and `task`"),
        ("[" * 100_000, "must be JSON with `cluster` and `task`"),  # found by tests.fuzz: cluster-1-3
        ({"cluster": {"worker": [A, B]}, "task": {"type": "worker", "index": math.inf}}, "must be JSON"),
        ({"cluster": {"worker": [A, B]}}, "must be JSON with `cluster` and `task`"),
        ({"cluster": {"worker": [A, B]}, "task": {"type": "worker", "index": "x"}}, "must be JSON"),
        ({"cluster": {"worker": [A, B]}, "task": {"type": "evaluator", "index": 0}}, "because no other task trains"),
        (
            {"cluster": {"chief": [A], "ps": [B]}, "task": {"type": "ps", "index": 0}},
            "no other task trains. Received: ps",
        ),
        ({"cluster": {"master": [A], "evaluator": [B]}, "task": {"type": "evaluator", "index": 0}}, "Received: eval"),
        ({"cluster": {"ps": [B]}, "task": {"type": "ps", "index": 0}}, "no other task trains. Received: ps"),
        ({"cluster": {"worker": [A, B]}, "task": {"type": "worker", "index": 2}}, "an index below 2"),
        ({"cluster": {"worker": [A, "b"]}, "task": {"type": "worker", "index": 0}}, "as host:port. Received: b"),
    ],
)
def test_rejects(value: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"`TF_CONFIG`.*{message}"):
        Cluster.read({"TF_CONFIG": value if isinstance(value, str) else json.dumps(value)})
