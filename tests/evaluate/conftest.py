import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.serving import models
from trainer.evaluate import __main__ as program
from trainer.evaluate import run as evaluation
from trainer.objectives.outputs import Measured, Outputs
from trainer.serving import export
from trainer.serving.predictor import Predictor

COUNT = 60


@dataclasses.dataclass(frozen=True)
class Case:
    """Labelled images, and what the model says of them.

    Attributes:
      model: the folder of the exported model.
      images: uint8 `(COUNT, *spatial, channels)`.
      labels: class numbers, `(COUNT,)`.
      probabilities: the model's, `(COUNT, classes)`.
      contents: the images as PNG.
    """

    model: Path
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    contents: list[bytes]

    @property
    def names(self) -> list[str]:
        """The class of each image."""
        return [models.CLASSES[label] for label in self.labels]

    def folder(self, root: Path, indices: Any = slice(None)) -> Path:
        """Writes some of the images as a folder of class folders."""
        for index in np.arange(COUNT)[indices]:
            path = root / self.names[index] / f"{index:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.contents[index])
        return root

    def manifest(self, root: Path, **columns: list[str]) -> Path:
        """Writes the images beside a list of them, with further columns."""
        self.folder(root)
        head = ",".join(["image", "label", *columns])
        rows = [
            ",".join([f"{name}/{index:02d}.png", name, *(values[index] for values in columns.values())])
            for index, name in enumerate(self.names)
        ]
        (root / "list.csv").write_text("\n".join([head, *rows]) + "\n")
        return root / "list.csv"


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    model = models.build()
    images = models.pixels(COUNT, 5)
    probabilities = models.probabilities(model, images)
    random = np.random.default_rng(0)
    labels = np.where(random.random(COUNT) < 0.6, probabilities.argmax(1), random.integers(0, 3, COUNT))
    labels[:3] = range(3)
    folder = models.exported(tmp_path_factory.mktemp("evaluated"), model)
    return Case(folder, images, labels, probabilities, models.encoded(images))


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads each model once: that takes most of the time of an evaluation of some images."""
    monkeypatch.setattr(evaluation, "Predictor", _predictor)


_predictor = functools.cache(Predictor)


def exported(folder: Path, model: keras.Model, outputs: Outputs, **configuration: object) -> Path:
    """Exports a model whose outputs have another meaning than classes."""
    about = models.about(model)
    measured = Measured({}, "", "a model", "Result", [], ["score"], [[name, "1"] for name in outputs.names])
    record = {**about.record, "configuration": {**about.record["configuration"], **configuration}}
    folder.mkdir(parents=True)
    export.save(model, folder, dataclasses.replace(about, outputs=outputs, measured=measured, record=record))
    return folder


@pytest.fixture
def run(case: Case, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the program with `--json`, and returns its status, the result and what it reports."""

    def run(*words: object, model: Path | str = "") -> tuple[int, dict[str, Any], str]:
        status = program.main([f"--model={model or case.model}", "--json", *map(str, words)])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out.startswith("{") else {}, said.err

    return run
