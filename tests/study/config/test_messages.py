"""The stored messages are Google's, and what passes the check passes protobuf's own reader."""

import copy
import subprocess
import sys
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from hypothesis import given, settings

from tests.study.broken import GOOD
from tests.study.config.make_messages import FILE, descriptors
from tests.study.mutants import changed
from trainer.study.config import messages

JOB: dict[str, Any] = yaml.safe_load(GOOD)


def test_are_those_of_the_installed_client() -> None:
    pytest.importorskip("google.cloud.aiplatform_v1")
    stored = {file.name: file for file in FileDescriptorSet.FromString(FILE.read_bytes()).file}
    installed = descriptors()
    assert list(stored) == list(installed)
    assert [name for name in stored if stored[name] != installed[name] and "aiplatform" in name] == []


def test_need_no_client_and_leave_it_room() -> None:
    """Both are in one process, in either order, and reading a file imports neither client nor TensorFlow."""
    program = """
import sys
from trainer.study.config import messages
assert messages.check({"maxTrialCount": 1}) == []
assert not {"google.cloud.aiplatform_v1", "proto", "tensorflow", "numpy"} & {*sys.modules}
from google.cloud.aiplatform_v1.types import hyperparameter_tuning_job as client
assert messages.parse({"maxTrialCount": 2}).max_trial_count == 2
assert client.HyperparameterTuningJob(max_trial_count=3).max_trial_count == 3
"""
    pytest.importorskip("google.cloud.aiplatform_v1")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [messages.TUNING_JOB, messages.CUSTOM_JOB, messages.CUSTOM_JOB_SPEC])
def test_accepts_nothing_and_rejects_what_is_no_mapping(name: str) -> None:
    assert messages.check({}, name) == []
    (problem,) = messages.check("text", name)
    assert problem.path == () and problem.rule.startswith("must be a mapping of ")


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (JOB, messages.TUNING_JOB),
        (JOB["trialJobSpec"], messages.CUSTOM_JOB_SPEC),
        ({"displayName": "a", "jobSpec": JOB["trialJobSpec"]}, messages.CUSTOM_JOB),
    ],
)
def test_accepts_what_is_right_and_comes_back_from_bytes(document: dict[str, Any], name: str) -> None:
    assert messages.check(document, name) == []
    message = messages.parse(document, name)
    again = json_format.MessageToDict(type(message).FromString(message.SerializeToString()))
    assert messages.check(again, name) == []  # the service's own form, large integers as text
    assert json_format.MessageToDict(messages.parse(again, name)) == again


def test_finds_every_wrong_field() -> None:
    document = copy.deepcopy(JOB)
    document["maxTrialCount"] = "six"
    document["studySpec"]["metrics"][0]["goal"] = "maximise"
    document["studySpec"]["parameters"][0]["scale_type"] = "UNIT_LOG_SCALE"
    document["trialJobSpec"]["scheduling"]["disableRetries"] = "yes"
    document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"].append(16)
    document["labels"] = ["a"]
    assert [messages.shown(problem.path) for problem in messages.check(document)] == [
        "maxTrialCount",
        "labels",
        "studySpec.metrics[0].goal",
        "studySpec.parameters[0].scale_type",
        "trialJobSpec.scheduling.disableRetries",
        "trialJobSpec.workerPoolSpecs[0].containerSpec.args[3]",
    ]


@settings(max_examples=300, deadline=None)
@given(document=changed(JOB))
def test_what_passes_is_read_by_protobuf(document: dict[str, Any]) -> None:
    try:
        messages.parse(document)
        is_read = True
    except (json_format.ParseError, TypeError, AttributeError, ValueError):
        is_read = False
    assert is_read or messages.check(document)


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), (1.5, 1.5), ("1", 1), ("1e-2", 0.01), (True, None), ("", None), (" 1", None), ("1_0", None), (None, None)],
)
def test_reads_numbers_as_json_has_them(value: Any, number: float | None) -> None:
    assert messages.as_number(value) == number
