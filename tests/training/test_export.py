from pathlib import Path

import keras
import numpy as np

from trainer import model as network
from trainer.hparams import HParams
from trainer.training import export


def test_the_saved_model_takes_raw_pixels_and_gives_the_same_logits(tmp_path: Path) -> None:
    model = network.build(HParams(filters=2, dense_units=4), (9, 8, 3), 5)
    model.compile("adam", "sparse_categorical_crossentropy")
    path = export.save(model, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.keras"]
    loaded = keras.models.load_model(path)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 9, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(loaded(pixels), model(pixels))
    assert not loaded.compiled
