"""What this package has written and somebody has changed: model cards, studies, checkpoints, records; and requests."""

import json
from pathlib import Path
from random import Random

from tests.fuzz import making
from tests.fuzz.case import Run
from tests.study.jobs import JOB
from tests.study.shown import TRIALS
from trainer.data.fingerprint import Fingerprint
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.run import record
from trainer.serving import card, export
from trainer.serving.predictor import Predictor
from trainer.serving.request import MalformedError, instances
from trainer.study.local.ledger import NAME, Ledger
from trainer.study.local.metric_file import MetricFile
from trainer.training import checkpoint

_FILE = {"name": "model.keras", "size": 3, "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
_CARD = {
    "format": 1,
    "classes": ["cat", "dog"],
    "form": Form((8, 8), 1).to_json(),
    "images": {"train": 1, "validation": 1, "test": 1},
    "accuracy": 0.5,
    "scores": [],
    "files": [_FILE],
}
_DATA = Fingerprint(("cat", "dog"), {"train": 8}, {"names": "a"})
_REPORT = {"timestamp": 1000.0, "trial": "0", "val_accuracy": "0.5", "global_step": "1"}


def model(random: Random, folder: Path) -> Run:
    """A folder that `trainer.predict` is given."""
    (folder / card.JSON).write_bytes(making.as_json(random, _CARD))
    if random.random() < 0.7:
        (folder / "model.keras").write_bytes(random.choice((b"abc", b"abd", b"")))
    if random.random() < 0.3:
        (folder / card.README).touch()

    def run() -> None:
        export.is_whole(folder)
        Predictor(folder)

    return run


def study(random: Random, folder: Path) -> Run:
    """The folder of a study that is to go on."""
    Ledger(folder, JOB, 0).put(*TRIALS)
    sound = json.loads((folder / NAME).read_bytes())
    (folder / NAME).write_bytes(making.as_json(random, sound))
    return lambda: Ledger(folder, JOB, 0).as_json() and None


def run(random: Random, folder: Path) -> Run:
    """The folder of a run that is to go on."""
    hparams = HParams()
    store = checkpoint.Store(folder / "checkpoints", hparams.configuration())
    for step in (1, 2):
        store.write(step, [b"state", bytes([step])], 1, {"epoch": step})
    store.finish({"test_accuracy": 0.5, "model": "model.keras"})
    record.write(folder, record.make(hparams, _DATA, "float32", "asked for", epoch={"steps": 3}))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in random.sample(files, random.randrange(1, 4)):
        content = path.read_bytes()
        if random.random() < 0.2:
            path.unlink()
        elif path.suffix == ".json" and random.random() < 0.5:
            path.write_bytes(making.as_json(random, json.loads(content)))
        else:
            path.write_bytes(making.damaged(random, content))

    def read() -> None:
        former = record.check(folder, hparams)
        record.check_data(former, _DATA, "data")
        record.check_steps(former, 3, "run")
        store.exists()
        store.result()
        store.newest(lambda line: None)

    return read


def metric_file(random: Random, folder: Path) -> Run:
    """A file that a trial reports its metric in."""
    path = folder / "output.metrics"
    path.write_bytes(b"\n".join(making.as_json(random, _REPORT) for _ in range(random.randrange(4))))
    return lambda: MetricFile(path, "val_accuracy").read() and None


def request(random: Random, folder: Path) -> Run:
    """The body of a request to `trainer.serve`."""
    form = Form((2, 2), random.choice((1, 3)))
    pixels = [[[0] * form.channels] * 2] * 2
    sound = {
        "instances": random.choice(([{"b64": "aGk="}], [pixels], [{"image": pixels}, {"image_bytes": {"b64": ""}}]))
    }
    content = making.as_json(random, sound)

    def read() -> None:
        try:
            instances(content, form)
        except MalformedError as error:
            if not str(error) or "\n" in str(error):
                raise

    return read
