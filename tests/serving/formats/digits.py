"""A small network for digits that has learned nothing, exported, with data on which exports are compared."""

from pathlib import Path

import keras
import numpy as np

from tests.serving import models
from trainer.data.form import Form
from trainer.objectives.classes import Classes
from trainer.serving import export

CLASSES = ("a", "b c", "crème")
OUTPUTS = Classes(CLASSES)


def samples(form: Form, count: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (count, *form.shape)).astype(np.float32)


def data(path: Path, form: Form, classes: int = len(CLASSES)) -> Path:
    """Writes an .npz file with a training and a test part."""
    values = samples(form).astype(np.uint8)
    labels = np.arange(len(values)) % classes
    np.savez(
        path,
        **{"x_train": values[:12], "y_train": labels[:12], "x_test": values[12:], "y_test": labels[12:]},
        class_names=np.array(CLASSES[:classes]),
    )
    return path


def exported(folder: Path, model: keras.Model, form: Form, precision: str = "float32") -> Path:
    """Writes a model's folder; its card says that it was trained in a precision on data that no longer exist."""
    record = {
        **models.RECORD,
        "configuration": {**models.RECORD["configuration"], "data": "gone.npz", "rank": form.rank},
        "precision": {"name": precision, "reason": "asked for"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    confusion = np.eye(len(CLASSES), dtype=np.int64)
    counts = {"train": 12, "validation": 3, "test": 12}
    export.save(model, folder, export.About(Classes(CLASSES), form, counts, confusion, 1.0, record))
    return folder
