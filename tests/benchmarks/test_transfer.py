from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from benchmarks import transfer
from tests import forked


@pytest.mark.slow
def test_prints_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    for name in ("round", "square"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(20):
            image = Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8))
            image.save(tmp_path / "photos" / name / f"{index}.png")
    inputs = keras.Input((None, None, 3))
    backbone = tmp_path / "backbone.keras"
    keras.Model(inputs, keras.layers.Conv2D(4, 3, strides=4)(inputs)).save(backbone)
    small = ["epochs=1", "batch_size=8"]
    words = [f"--data={tmp_path / 'photos'}", f"--backbone={backbone}", "--seeds=1", "--folds=1", "--image_size=32"]
    transfer.main([*words, "--script_epochs=1", "--only=, frozen", "--ours", *small], forked.Popen)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[-2:]] == ["Keras script, frozen", "trainer, frozen"]
