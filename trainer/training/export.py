"""The trained model, as a file that others load."""

from pathlib import Path

import keras


def save(model: keras.Model, folder: Path) -> Path:
    """Writes `model.keras`, without the optimizer, and returns its path.

    It takes raw pixel values, 0 to 255, and gives logits. `keras.models.load_model` reads it once `trainer.layers` is
    imported. A reader of the path sees the whole file or none.
    """
    path = folder / "model.keras"
    partial = folder / ".partial.keras"
    trained = type(model).from_config(model.get_config())  # a clone would bring the optimizer's 12 MB along
    trained.set_weights(model.get_weights())
    trained.save(partial)
    partial.replace(path)
    return path
