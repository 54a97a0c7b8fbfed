"""The real samples on which an export is compared with its model, and those that calibrate integers."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from rich.console import Console

from trainer import data
from trainer.buckets.location import is_remote
from trainer.errors import UsageError
from trainer.hparams import CLASSES, DATASETS, MANAGED
from trainer.serving import trained_data
from trainer.serving.formats.network import Values
from trainer.serving.predictor import BrokenSampleError, Predictor

_COMPARED, _CALIBRATED = 256, 200  # samples, at most
_MOST = 1 << 28  # bytes of them
_FEWEST = 8


@dataclasses.dataclass(frozen=True)
class Samples:
    """Samples of the model's form.

    Attributes:
      values: raw, `(count, *spatial, channels)`.
      targets: the numbers of their classes in the model's order, `(count,)`; None if unknown, or if they have labels or
        numbers instead.
      calibration: training samples, of the same shape but for their number; empty if there are none.
      name: what they are, such as `100 test images of photos`.
    """

    values: Values
    targets: npt.NDArray[np.int64] | None
    calibration: Values
    name: str


def read(predictor: Predictor, content: Mapping[str, Any], location: str, cache_dir: str, screen: Console) -> Samples:
    """Returns samples of a data set, or the one that a run stores next to its model.

    Args:
      predictor: of the model.
      content: of its `model.json`.
      location: `--data`; empty means the data that the model was trained on, where they are on this machine, else
        the sample in the model's folder.
      cache_dir: the folder for downloads.
      screen: receives lines about the data.

    Raises:
      UsageError: there are no samples, or of another form.
    """
    configured = content.get("configuration", {})
    name = location or str(configured.get("data", ""))
    if location or (name and name != MANAGED and not is_remote(name)):
        try:
            return _of_data(name, predictor, configured, cache_dir, screen, is_other=bool(location))
        except UsageError:
            if location:
                raise
    if stored := _stored(predictor):
        return stored
    raise UsageError(
        "`--data` must name samples to compare the export on, as in trainer.task. Received: nothing, and the model's "
        f"data, {name or 'unknown'}, cannot be read here"
    )


def _stored(predictor: Predictor) -> Samples | None:
    """Returns the sample that a run wrote next to its model; None without one that can be read."""
    for path in sorted(predictor.folder.glob("sample.*")):
        (values,) = predictor.values_of([path.read_bytes()])
        if not isinstance(values, BrokenSampleError):
            found = np.asarray(values, np.float32)[None]
            return Samples(found, None, found[:0], f"1 {predictor.kind.name}, {path.name}")
    return None


def _of_data(
    name: str, predictor: Predictor, configured: Mapping[str, Any], cache_dir: str, screen: Console, *, is_other: bool
) -> Samples:
    form = predictor.form
    dataset = trained_data.load(name, form, configured, cache_dir, screen, is_other=is_other)
    part = "test" if len(dataset.test) else "validation"
    held_out: data.Store = getattr(dataset, part)
    most = max(_FEWEST, _MOST // (4 * int(np.prod(form.shape))))
    with data.named_breaks(dataset):
        chosen = _spread(len(held_out), min(_COMPARED, most))
        values = _values(held_out, chosen)
        calibration = _values(dataset.train, _spread(len(dataset.train), min(_CALIBRATED, most)))
    numbers = {label: number for number, label in enumerate(predictor.classes)}
    names = [numbers.get(label, -1) for label in dataset.class_names]
    has_targets = dataset.target == predictor.outputs.target == CLASSES and min(names) >= 0
    targets = np.array(names, np.int64)[held_out.targets[chosen]] if has_targets else None
    shown = name if name in DATASETS else Path(name.rstrip("/")).name
    return Samples(values, targets, calibration, f"{len(values):,} {part} {predictor.kind.name}s of {shown}")


def _spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """Returns at most so many indices, evenly spread: the samples may be sorted by class."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)) if count else np.arange(0)


def _values(store: data.Store, indices: Sequence[int] | npt.NDArray[np.int64]) -> Values:
    """Returns samples of a store."""
    if not len(indices):
        return np.zeros((0, *store.form.shape), np.float32)
    take: Callable[[tf.Tensor], tf.Tensor] = lambda _: tf.constant(indices, tf.int64)  # noqa: E731
    found = store.read(tf.data.Dataset.from_tensors(0), take, lambda _, samples: samples)
    return next(iter(found)).numpy().astype(np.float32)  # type: ignore[no-any-return]
