"""Command lines and environment variables."""

import datetime
import io
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.fuzz import making
from tests.fuzz.case import Run
from trainer import command_line
from trainer import predict as prediction
from trainer.cluster import Cluster
from trainer.environment import Environment
from trainer.serving.options import Options
from trainer.study import options as study_options

_NOW = datetime.datetime(2026, 7, 1, 12, 30)
_VALUES = (
    "digits",
    "gs://bucket/run",
    "gs://",
    "~/x",
    "yes",
    "no",
    "auto",
    "true",
    "64",
    "0",
    "-1",
    "1e-3",
    "nan",
    "inf",
    "١",
    "1_0",
)
_ENVIRONMENT = (
    *("AIP_MODEL_DIR", "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR", "AIP_DATA_FORMAT", "AIP_TRAINING_DATA_URI"),
    *(
        "AIP_VALIDATION_DATA_URI",
        "AIP_TEST_DATA_URI",
        "CLOUD_ML_HP_METRIC_FILE",
        "TPU_NAME",
        "TF_CONFIG",
        "CLUSTER_SPEC",
    ),
)
_CLUSTER = {
    "cluster": {"chief": ["a:1"], "worker": ["b:2", "c:3"], "ps": ["d:4"]},
    "task": {"type": "worker", "index": 0},
    "environment": "cloud",
}
_POOLS = {"cluster": {"workerpool0": ["a:1"], "workerpool1": ["b:1"]}, "task": {"type": "workerpool0", "index": 0}}


def flags(random: Random, folder: Path) -> Run:
    """A command line of `trainer.task` or of `trainer.study`."""
    read = random.choice((command_line.read, study_options.read))
    words = _words(random, [*study_options.flags()])
    return lambda: read(words)


def predict(random: Random, folder: Path) -> Run:
    """A command line of `trainer.predict`; the model that it names is not there."""
    words = [
        word for word in _words(random, ("model", "top", "batch_size", "json", "cache_dir")) if "gs://" not in word
    ]
    return lambda: prediction.main(words, io.BytesIO())


def serve(random: Random, folder: Path) -> Run:
    """A command line and an environment of `trainer.serve`."""
    words = _words(random, ("model", "host", "port", "health_route", "max_batch", "max_wait_ms", "cache_dir"))
    names = ("AIP_STORAGE_URI", "AIP_HTTP_PORT", "AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE")
    variables = {name: _value(random) for name in names if random.random() < 0.5}
    return lambda: Options.read(words, variables) and None


def environment(random: Random, folder: Path) -> Run:
    """The variables of a run's process."""
    variables = {name: _value(random) for name in _ENVIRONMENT if random.random() < 0.3}
    job_dir, cache = random.choice(("", _value(random))), random.choice(("~/.cache", _value(random)))

    def run() -> None:
        found = Environment.read(variables, job_dir, _NOW, cache)
        assert found.root

    return run


def cluster(random: Random, folder: Path) -> Run:
    """TF_CONFIG or CLUSTER_SPEC."""
    name, sound = random.choice((("TF_CONFIG", _CLUSTER), ("CLUSTER_SPEC", _POOLS)))
    content = making.as_json(random, sound).decode(errors="surrogateescape")
    return lambda: Cluster.read({name: content}) and None


def _words(random: Random, names: Sequence[str]) -> list[str]:
    words = []
    for _ in range(random.randrange(1, 5)):
        name = random.choice(names)
        if random.random() < 0.1:
            name = making.damaged(random, name.encode()).decode(errors="surrogateescape")
        form = random.randrange(6)
        words += {
            0: [f"--{name}"],
            1: [f"--{name}", _value(random)],
            2: [_value(random)],
            3: [f"-{name}={_value(random)}"],
        }.get(form, [f"--{name}={_value(random)}"])
    return words


def _value(random: Random) -> str:
    if random.random() < 0.5:
        return random.choice(_VALUES)
    if random.random() < 0.1:
        return json.dumps(making.value(random))
    return making.text(random).replace("\0", "")
