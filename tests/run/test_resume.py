import datetime
import json
from pathlib import Path

import numpy as np
from rich.console import Console

from tests.serving import models
from trainer.environment import Environment
from trainer.hparams import HParams
from trainer.run import record, resume
from trainer.run.train import load
from trainer.training.checkpoint import Store


def test_the_card_counts_what_the_exported_model_says_of_the_test_images(tmp_path: Path) -> None:
    hparams = HParams()
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    for folder in (environment.model, environment.checkpoints):
        folder.mkdir()
    record.write(tmp_path, hparams, "float32", "asked for")
    dataset = load(hparams, Console(quiet=True))
    model = models.build(shape=dataset.input_shape, classes=dataset.classes)
    store = Store(environment.checkpoints, hparams.configuration(), 1)
    store.write(1, [b"state"], None, {})
    resume.finish(model, dataset, store, environment, 0.5)
    card = json.loads((environment.model / "model.json").read_text())
    taken, labels = models.probabilities(model, dataset.test.images).argmax(1), dataset.test.labels
    assert [score["support"] for score in card["scores"]] == np.bincount(labels).tolist()
    hits = [np.mean(taken[labels == label] == label) for label in range(dataset.classes)]
    np.testing.assert_allclose([score["recall"] for score in card["scores"]], hits)
