"""What is said of buckets, of config.yaml and of Vertex AI."""

import contextlib
import datetime
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from google.api_core import exceptions

from tests.documents.provoking import Provocation, of_a_run, raised
from tests.vertex import bodies
from trainer.buckets.lag import Lag
from trainer.buckets.location import Location
from trainer.buckets.objects import failure
from trainer.buckets.objects.failure import as_usage
from trainer.study.__main__ import main as study
from trainer.study.config import document as config
from trainer.study.local import outcome
from trainer.study.options import Options
from trainer.study.vertex import failure as job_failure
from trainer.study.vertex import preflight, surroundings
from trainer.study.vertex.job import TUNING
from trainer.study.vertex.request import request

_NOW = datetime.datetime(2026, 7, 1)
_PLACE = f"projects/p/locations/r/{TUNING.collection}/1"


def _bucket(error: Exception, *, as_flag: bool = True) -> Provocation:
    def provoke(folder: Path) -> str:
        meaning = failure.named(error, "bucket", "write run/owner.json", "storage.objects.create")
        if not as_flag:
            return str(meaning)

        def refuse() -> None:
            with as_usage("gs://bucket/run"):
                raise meaning

        return raised(refuse)

    return provoke


def _behind(folder: Path) -> str:
    seconds, said = [0.0], list[str]()
    lag = Lag("gs://bucket/run", said.append, lambda: seconds[0])
    lag.note(True)
    seconds[0] = 61.0
    lag.speak("503 Service Unavailable")
    return said[0]


def _config(change: Callable[[dict[str, object]], object]) -> Provocation:
    def provoke(folder: Path) -> str:
        document = bodies.tuning()
        del document["labels"]
        change(document)
        (folder / "config.yaml").write_text(yaml.safe_dump(document))
        return raised(lambda: config.read(folder / "config.yaml")).splitlines()[0]

    return provoke


def _first_metric(document: dict[str, object]) -> None:
    document["studySpec"]["metrics"][0]["metricId"] = "accuracy"  # type: ignore[index]


def _first_parameter(document: dict[str, object]) -> None:
    document["studySpec"]["parameters"][0]["parameterId"] = "filter"  # type: ignore[index]


def _networks(parameters: Mapping[str, list[str]], *arguments: str) -> Provocation:
    """Returns what is said of a study of some texts, and of `filters` where its values are none."""

    def change(document: Any) -> None:
        filters, *_ = document["studySpec"]["parameters"]
        document["studySpec"]["parameters"] = [
            {"parameterId": name, "categoricalValueSpec": {"values": values}} if values else filters
            for name, values in parameters.items()
        ]
        document["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] += arguments

    return _config(change)


def _no_yaml(folder: Path) -> Path:
    (folder / "config.yaml").write_text("a: [")
    return folder / "config.yaml"


def _mistakes(folder: Path) -> str:
    (folder / "config.yaml").write_text("maxTrialCount: x\nparallelTrialCount: y\n")
    error = io.StringIO()
    with contextlib.redirect_stderr(error):
        assert study([f"--config={folder / 'config.yaml'}"], {}) == 2
    return error.getvalue().splitlines()[0].removeprefix("trainer: ")


def _preflight(start: str, **changes: str) -> Provocation:
    def provoke(folder: Path) -> str:
        options = Options(**{"project": "my-project", "region": "europe-west4", "bucket": "gs://b-1", **changes})  # type: ignore[arg-type]
        made = request(bodies.tuning(), options, [], "abc", _NOW)
        return next(line for line in preflight.check(made, options) if start in line)

    return provoke


def _elsewhere(folder: Path) -> str:
    options = Options(project="my-project", region="europe-west4", bucket="gs://b-1")
    made = request(bodies.tuning(), options, [], "abc", _NOW)
    return next(preflight.look(made, options, lambda name: "us-east1", lambda image: ""))


def _no_bucket(folder: Path) -> str:
    class Client:
        def get_bucket(self, name: str, timeout: float) -> None:
            raise exceptions.NotFound(name)

    return raised(lambda: surroundings.region_of(Client(), "b-1"))


def _job(error: Exception, verb: str = "create") -> Provocation:
    return lambda folder: str(job_failure.named(error, TUNING, verb, _PLACE))


def _judged(status: int, log: str = "trainer: why") -> Provocation:
    return lambda folder: outcome.judge(status, [], "val_accuracy", False, log)[1]


PROVOCATIONS: dict[str, Provocation] = {
    "bucket's name": lambda folder: raised(lambda: Location.parse("gs://Bucket/run")),
    "no bucket": _bucket(exceptions.NotFound("The specified bucket does not exist.")),
    "forbidden": _bucket(exceptions.Forbidden("does not have storage.objects.create access")),
    "forbidden later": _bucket(exceptions.Forbidden("does not have storage.objects.create access"), as_flag=False),
    "unknown": _bucket(exceptions.Unauthorized("no"), as_flag=False),
    "mixed": of_a_run("--job_dir=runs/a", AIP_MODEL_DIR="gs://bucket/model"),
    "behind": _behind,
    "mistakes": _mistakes,
    "field": _config(lambda document: document.update(maxTrialCount="x")),
    "metric": _config(_first_metric),
    "parameter": _config(_first_parameter),
    "misplaced": _networks({"model": ["residual", "linear"], "filters": []}),
    "misplaced argument": _networks({"model": ["residual", "linear"]}, "--depth=1"),
    "another network's": _networks({"filters": []}, "--model=linear"),
    "frozen": _networks(
        {"unfreeze": ["none", "all"], "fine_tune_rate": ["0.1", "0.2"]}, "--model=Xception", "--weights=imagenet"
    ),
    "no config": lambda folder: raised(lambda: config.read(folder / "config.yaml")),
    "no yaml": lambda folder: raised(lambda: config.read(_no_yaml(folder))),
    "diverged": _judged(3),
    "status": _judged(2),
    "no metric": _judged(0),
    "killed": _judged(-9),
    "project": _preflight("--project", project=""),
    "region": _preflight("--region", region="europe-west44"),
    "capitals": _preflight("capitals", bucket=""),
    "bucket elsewhere": _elsewhere,
    "no such bucket": _no_bucket,
    "image": lambda folder: surroundings.missing_image(lambda address: 404, "europe-docker.pkg.dev/p/r/i:t"),
    "credentials": _job(exceptions.Unauthorized("no")),
    "api": _job(exceptions.Forbidden("it is disabled")),
    "permission": _job(exceptions.Forbidden("Permission 'aiplatform.customJobs.create' denied")),
    "quota": _job(exceptions.TooManyRequests("CustomModelTrainingCPUs")),
    "no job": _job(exceptions.NotFound("no"), "get"),
    "refused": _job(exceptions.InvalidArgument("no")),
    "silence": _job(exceptions.ServiceUnavailable("no")),
}
