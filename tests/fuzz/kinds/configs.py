"""config.yaml, of a study here and of a job on Vertex AI."""

from pathlib import Path
from random import Random

import yaml

from tests.fuzz import making
from tests.fuzz.case import Run
from tests.vertex import bodies
from trainer.errors import UsageError
from trainer.study import __main__ as study
from trainer.study.config import document

_SHIPPED = [(Path(__file__).parents[3] / name).read_bytes() for name in ("config.yaml", "config.networks.yaml")]
_PLACE = ["--project=my-project", "--region=europe-west4", "--bucket=gs://my-bucket"]
_CHANGES = (
    "--job=custom",
    "--replica_count=2",
    "--accelerator_type=NVIDIA_L4",
    "--spot=yes",
    "--tensorboard=1",
    "--data=m",
)


def config(random: Random, folder: Path) -> Run:
    """A file that `trainer.study` reads."""
    path = _written(random, folder)

    def run() -> None:
        try:
            document.read(path)
        except UsageError as error:  # it has a line for each mistake
            wrong = [line for line in str(error).split("\n") if not line.startswith((str(path), "`"))]
            if wrong or "\r" in str(error):
                raise AssertionError(f"a message of several lines: {error!r}") from None

    return run


def submission(random: Random, folder: Path) -> Run:
    """A request that is printed and not sent."""
    path = _written(random, folder)
    words = [f"--config={path}", "--target=vertex", "--dry_run", *_PLACE]
    words += [change for change in _CHANGES if random.random() < 0.2]
    return lambda: study.main(words, {})


def _written(random: Random, folder: Path) -> Path:
    path = folder / "config.yaml"
    content = random.choice(_SHIPPED)
    if random.random() < 0.7:
        job = bodies.tuning()
        for _ in range(random.randrange(4)):
            job = making.changed(random, job)
        try:
            content = yaml.safe_dump(job, allow_unicode=random.random() < 0.5, sort_keys=False).encode()
        except (yaml.YAMLError, UnicodeError):
            content = making.as_json(random, job)
    if random.random() < 0.4:
        content = making.damaged(random, content)
    path.write_bytes(content)
    return path
