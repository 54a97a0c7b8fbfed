"""The data that the commands train on: photographs, digits as IDX files, and a study's configuration."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

_CLASSES = ("china", "flower")
_STUDY = """\
displayName: trainer
maxTrialCount: 3
parallelTrialCount: 1
maxFailedTrialCount: 1
studySpec:
  metrics: [{metricId: val_accuracy, goal: MAXIMIZE}]
  measurementSelectionType: BEST_MEASUREMENT
  parameters:
    - {parameterId: filters, discreteValueSpec: {values: [4, 8]}, scaleType: UNIT_LOG_SCALE}
    - {parameterId: padding, categoricalValueSpec: {values: [same, valid]}}
    - parameterId: stride
      integerValueSpec: {minValue: 1, maxValue: 2}
      scaleType: UNIT_LINEAR_SCALE
      conditionalParameterSpecs:
        - parentIntValues: {values: [1]}
          parameterSpec:
            parameterId: dilation_rate
            integerValueSpec: {minValue: 1, maxValue: 2}
            scaleType: UNIT_LINEAR_SCALE
    - {parameterId: learning_rate, doubleValueSpec: {minValue: 0.0005, maxValue: 0.01}, scaleType: UNIT_LOG_SCALE}
trialJobSpec:
  workerPoolSpecs:
    - machineSpec: {machineType: n2-standard-8}
      replicaCount: 1
      containerSpec:
        imageUri: europe-docker.pkg.dev/project/trainer/trainer:latest
        args: [--data=digits, --epochs=2, --batch_size=128, --precision=float32, --checkpoint_every=1000000]
"""


def write(folder: Path) -> None:
    """Writes `photos/`, `broken/`, `idx/`, `study.yaml` and `wrong.yaml` in a folder."""
    _write_photos(folder / "photos")
    _write_idx(folder / "idx")
    (folder / "study.yaml").write_text(_STUDY)
    wrong = _STUDY.replace("goal: MAXIMIZE", "goal: MOST").replace("parameterId: filters", "parameterId: filter")
    (folder / "wrong.yaml").write_text(wrong)
    for name in _CLASSES:
        (folder / "broken" / name).mkdir(parents=True)
        for index in range(6):
            (folder / "broken" / name / f"{index}.png").write_bytes(b"no image" * (index + 1))


def _write_photos(folder: Path) -> None:
    """Writes parts of two photographs, JPEG and PNG files of several sizes in two class folders."""
    random = np.random.default_rng(0)
    for name, photo in zip(_CLASSES, load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        for index in range(20):
            height, width = random.integers(40, 120, 2)
            top, left = (random.integers(0, room) for room in (photo.shape[0] - height, photo.shape[1] - width))
            part = Image.fromarray(photo[top : top + height, left : left + width])
            part.save(folder / name / f"{index:02}.{'png' if index % 3 else 'jpg'}")


def _write_idx(folder: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    images, labels = (images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8), labels.astype(np.uint8)
    folder.mkdir()
    for part, rows in (("train", slice(1000)), ("t10k", slice(1000, 1200))):
        for kind, array in (("images-idx3", images[rows]), ("labels-idx1", labels[rows])):
            header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + array.tobytes())
