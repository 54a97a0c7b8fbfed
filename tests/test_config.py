"""config.yaml and the program agree: every parameter is a flag, every value is allowed, the metric is reported."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from trainer import flags
from trainer.cloud.tuning import METRIC
from trainer.hparams import HParams

CONFIG = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
PARAMETERS = {parameter["parameterId"]: parameter for parameter in CONFIG["studySpec"]["parameters"]}


def _values(parameter: dict[str, Any]) -> list[Any]:
    for kind in ("discreteValueSpec", "categoricalValueSpec"):
        if kind in parameter:
            return list(parameter[kind]["values"])
    spec = parameter.get("integerValueSpec") or parameter["doubleValueSpec"]
    return [spec["minValue"], spec["maxValue"]]


def test_tunes_the_convolution() -> None:
    assert {"filters", "stride", "padding", "learning_rate"} <= set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_a_flag_that_takes_every_value(name: str) -> None:
    assert name in {field.name for field in dataclasses.fields(HParams)}
    for value in _values(PARAMETERS[name]):
        sent = float(value) if isinstance(value, int) else value  # the service sends whole numbers as floats
        assert getattr(flags.read([f"--{name}={sent}"]), name) == value


def test_the_metric_is_the_one_that_is_reported() -> None:
    assert [metric["metricId"] for metric in CONFIG["studySpec"]["metrics"]] == [METRIC]


def test_the_jobs_own_flags_are_understood() -> None:
    for pool in CONFIG["trialJobSpec"]["workerPoolSpecs"]:
        flags.read(pool["containerSpec"]["args"])
