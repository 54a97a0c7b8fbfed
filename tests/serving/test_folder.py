"""Where a model is, however a person names it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.serving import models
from trainer.serving import folder
from trainer.serving.predictor import Predictor


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    models.exported(root / "model", models.build())
    (root / "hparams.json").touch()
    return root


@pytest.mark.parametrize("name", ["", "/", "/model", "/model/", "/model/model.keras", "/model/model.json"])
def test_a_run_its_model_and_the_file_are_the_same(run: Path, name: str) -> None:
    assert folder.local(f"{run}{name}", "", print) == run / "model"


def test_a_copy_has_any_name(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "mine"
    shutil.copytree(run / "model", copy)
    (copy / "model").mkdir()
    assert folder.local(str(copy), "", print) == copy
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder.local("~/mine", "", print) == copy
    assert folder.local("nowhere", "", print) == Path("nowhere")


@pytest.mark.parametrize("name", ["lr[0.01]", "a*b", "a?b", "a\\b", "[", "a b%s#$HOME'\"", "new\nline", "\u732b {0}"])
def test_a_name_is_no_pattern(run: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "model").symlink_to(run / "model")
    (tmp_path / "[tmp]").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "[tmp]"))
    monkeypatch.chdir(tmp_path)
    predictor = Predictor(folder.local(name, "", print))
    expected = models.probabilities(models.build(), models.pixels(1))
    (answer,) = predictor.of_values(models.pixels(1))
    np.testing.assert_allclose(answer.probabilities, expected[0], atol=1e-5)
