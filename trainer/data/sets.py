"""Data sets: what each name or folder holds, and how it is split."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data import pictures
from trainer.data.entries import Entry
from trainer.data.kinds.image import decode as decoding
from trainer.data.lists import folder, idx, manifest, tfrecord
from trainer.data.lists.manifest import Managed
from trainer.data.pictures import Form
from trainer.data.sources import Sources
from trainer.errors import UsageError
from trainer.hparams import DATASETS, MANAGED

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer[Any]]
Parts = tuple[tuple[Images, Labels], tuple[Images, Labels]]

_DIGITS_TEST = 360  # a fifth of scikit-learn's 1,797 digits
_DIGITS_SIZE = 28  # MNIST's, so that both are one network
_RESIZED = 256  # images that are brought to another size at once


@dataclasses.dataclass(frozen=True)
class Split:
    """Labelled images: uint8 `(count, height, width, channels)` from 0 to 255, and int32 `(count,)`."""

    images: Images
    labels: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of every image."""
        _, height, width, channels = self.images.shape
        return height, width, channels


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The three parts of a data set. The test part is for the end of a run alone.

    Attributes:
      train: the images to train on.
      validation: those that decide when a run is good.
      test: those that say how good.
      classes: how many.
      class_names: in the order of their labels; their numbers where nobody has named them.
    """

    train: Split | Sources
    validation: Split | Sources
    test: Split | Sources
    classes: int
    class_names: Sequence[str] = ()

    def __post_init__(self) -> None:
        names = self.class_names or map(str, range(self.classes))
        object.__setattr__(self, "class_names", tuple(names))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of every image."""
        return self.train.shape


def load(
    name: str,
    validation_split: float,
    seed: int,
    *,
    form: Form | None = None,
    tell: Callable[[str], object] = lambda line: None,
    fetch: Callable[[str], Path] = Path,
    managed: Managed | None = None,
) -> Dataset:
    """Returns a data set; where it has no validation part, one is split off its training part.

    Args:
      name: one of `trainer.hparams.DATASETS`, a folder of IDX files, of class folders or of TFRecord shards, or a
        manifest.
      validation_split: the share of the training images that becomes the validation part.
      seed: fixes which images those are, of a data set that is in memory; of files their names do.
      form: the size and colour that images are brought to, and whether broken ones are left out.
      tell: hears a line about each image that is left out.
      fetch: returns the local folder that is the same as one in a bucket, which a manifest may name.
      managed: what the name `managed` stands for.

    Raises:
      UsageError: there is no such data set, it cannot be had, or it is too small to be split.
    """
    form = form or Form()
    if name in DATASETS:
        return _in_memory(name, validation_split, seed, form)
    if name == MANAGED:
        if not managed:
            raise UsageError(f"`--data={MANAGED}` must find `AIP_TRAINING_DATA_URI` in the environment. Received: none")
        return _on_disk(manifest.read_managed(managed, fetch), validation_split, form, tell)
    path = _local(name, fetch)
    if _holds_idx(path):
        return _in_memory(str(path), validation_split, seed, form)
    return _on_disk(_entries(path, name, fetch), validation_split, form, tell)


def list_entries(name: str, fetch: Callable[[str], Path] = Path) -> list[Entry]:
    """Returns the images of a folder of class folders or of TFRecord shards, or of a manifest.

    Args:
      name: its path, or where it is in a bucket.
      fetch: as in `load`.

    Raises:
      UsageError: there is none, or it breaks a rule.
    """
    return _entries(_local(name, fetch), name, fetch)


def _local(name: str, fetch: Callable[[str], Path]) -> Path:
    """Returns a folder or a manifest on this machine."""
    path = fetch(name) if name.startswith("gs://") else Path(name)
    if not (name and (path.is_dir() or manifest.is_one(path))):
        raise UsageError(
            f"`--data` must be one of {', '.join(DATASETS)}, a manifest (.csv, .jsonl), or a folder. Received: {name}"
        )
    return path


def _entries(path: Path, location: str, fetch: Callable[[str], Path]) -> list[Entry]:
    if path.is_file():
        return manifest.read(path, location, fetch)
    if tfrecord.shards(path):
        return tfrecord.read(path)
    manifests = [file for file in sorted(path.iterdir()) if manifest.is_one(file)]
    if len(manifests) == 1:
        return manifest.read(manifests[0], f"{location.rstrip('/')}/{manifests[0].name}", fetch)
    return folder.read(path)


def _holds_idx(path: Path) -> bool:
    return path.is_dir() and any(file.name.endswith(("-ubyte", "-ubyte.gz")) for file in path.iterdir())


def _on_disk(entries: Sequence[Entry], validation_split: float, form: Form, tell: Callable[[str], object]) -> Dataset:
    parts, names = pictures.make(entries, validation_split, form, tell)
    return Dataset(**parts, classes=len(names), class_names=names)


def _in_memory(name: str, validation_split: float, seed: int, form: Form) -> Dataset:
    (images, labels), test = _read(name)
    count = round(len(labels) * validation_split)
    if not 0 < count < len(labels):
        raise UsageError(
            f"`--validation_split` must leave an image on each side of {len(labels)}. Received: {validation_split}"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, kept = order[:count], order[count:]
    return Dataset(
        train=_split(images[kept], labels[kept], form),
        validation=_split(images[held_out], labels[held_out], form),
        test=_split(*test, form),
        classes=int(labels.max()) + 1,
    )


def _split(images: Images, labels: Labels, form: Form) -> Split:
    with_channels = images if images.ndim == 4 else images[..., np.newaxis]
    return Split(_formed(with_channels, form), labels.reshape(-1).astype(np.int32))


def _formed(images: Images, form: Form) -> Images:
    """Returns images in the size and colour that are asked for."""
    channels = {"auto": images.shape[3], "grey": 1, "rgb": 3}[form.color]
    if channels < images.shape[3]:
        images = decoding.grey(images).numpy()
    elif channels > images.shape[3]:
        images = np.repeat(images, channels, axis=3)
    size = (form.size or images.shape[1], form.size or images.shape[2])
    if images.shape[1:3] == size:
        return images
    resized = np.empty((len(images), *size, channels), np.uint8)
    for first in range(0, len(images), _RESIZED):
        some = tf.constant(images[first : first + _RESIZED])
        resized[first : first + _RESIZED] = decoding.fit_all(some, size).numpy()
    return resized


def _read(name: str) -> Parts:
    if name == "digits":
        return _digits()
    if name in DATASETS:
        return _downloaded(name)
    return idx.read_folder(Path(name))


def _digits() -> Parts:
    """Returns scikit-learn's bundled digits, 8x8 pixels from 0 to 16, at the size and scale of MNIST's."""
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    resize = functools.partial(keras.ops.image.resize, size=(_DIGITS_SIZE, _DIGITS_SIZE), interpolation="bicubic")
    large = keras.ops.convert_to_numpy(resize(small.reshape(-1, 8, 8, 1).astype(np.float32) * (255 / 16)))
    images = np.clip(np.rint(large), 0, 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(labels))  # the test part is the same for every --seed
    test, train = order[:_DIGITS_TEST], order[_DIGITS_TEST:]
    return (images[train], labels[train]), (images[test], labels[test])


def _downloaded(name: str) -> Parts:
    """Returns a data set of `keras.datasets`, which keeps what it downloads below `KERAS_HOME`."""
    loader: Callable[[], Parts] = getattr(keras.datasets, name).load_data
    try:
        return loader()
    except Exception as error:  # whatever the download raises: no network, a changed file, a full disk
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"`--data={name}` could not be downloaded; digits needs no network. Received: {reason}"
        ) from None
