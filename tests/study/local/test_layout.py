import datetime
import json
from pathlib import Path

import pytest

from trainer.environment import Environment
from trainer.study.local import layout


def test_a_trial_is_where_vertex_would_have_it(tmp_path: Path) -> None:
    variables = layout.environment(
        tmp_path, "a job", 3, {"HOME": "/home", "TF_CONFIG": "{}", "AIP_MODEL_DIR": "/else"}, 2
    )
    there = Environment.read(variables, "", datetime.datetime(2026, 1, 1))
    root = tmp_path / "3"
    assert (there.root, there.model, there.checkpoints, there.logs) == (
        root,
        root / "model",
        root / "checkpoints",
        root / "logs",
    )
    assert there.metric_file == str(layout.metric_file(tmp_path, 3))
    assert there.cluster is None
    assert there.parallel_trials == 2
    assert variables["HOME"] == "/home"
    assert variables["CLOUD_ML_TRIAL_ID"] == "3"
    assert json.loads(variables["CLUSTER_SPEC"])["task"] == {"type": "workerpool0", "index": 0, "trial": "3"}
    assert "TF_CONFIG" not in variables


def test_discrete_numbers_arrive_as_floats() -> None:
    parameters = {"filters": 32.0, "stride": 2, "learning_rate": 1e-05, "padding": "same"}
    assert layout.arguments(["--data=digits"], parameters) == [
        "--data=digits",
        "--filters=32.0",
        "--stride=2",
        "--learning_rate=1e-05",
        "--padding=same",
    ]


@pytest.mark.parametrize(
    ("cores", "count", "groups"),
    [
        ([0, 1], 2, [(0,), (1,)]),
        ([0, 1], 1, [(0, 1)]),
        ([2, 3, 5, 7, 11], 2, [(2, 3), (5, 7, 11)]),
        ([4], 3, [(4,), (4,), (4,)]),
        ([0, 1], 3, [(0,), (1,), (0,)]),
    ],
)
def test_cores_are_divided(cores: list[int], count: int, groups: list[tuple[int, ...]]) -> None:
    assert layout.core_groups(cores, count) == groups


@pytest.mark.parametrize(
    ("container", "variables"),
    [({}, {}), ({"env": [{"name": "A", "value": "1"}, {"name": "B"}]}, {"A": "1", "B": ""})],
)
def test_the_files_own_variables(container: dict[str, object], variables: dict[str, str]) -> None:
    document = {"trialJobSpec": {"workerPoolSpecs": [{"containerSpec": container}]}}
    assert layout.container_variables(document) == variables
    assert layout.container_variables({}) == {}
