"""Writes the data of all peers as arrays to one file, so that PyTorch and JAX need no TensorFlow.

python -m benchmarks.peers.dataset NAME FILE.npz    # NAME: any --data of trainer.task
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.peers.setting import SEED

_VALIDATION_SPLIT = 0.1  # trainer.task's default
_RANDOM_CLASSES = 10


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Images are uint8 `(count, height, width, channels)` from 0 to 255, labels int32 `(count,)`."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    validation_images: npt.NDArray[np.uint8]
    validation_labels: npt.NDArray[np.int32]
    classes: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """`(height, width, channels)` of every image."""
        return self.images.shape[1:]

    def images_per_epoch(self, batch: int) -> int:
        """Returns how many images an epoch of full batches trains on."""
        return len(self.labels) // batch * batch


def read(path: str) -> Arrays:
    with np.load(path) as arrays:
        named = dict(arrays)
    return Arrays(classes=int(named.pop("classes")), **named)


def write_noise(folder: Path, size: int, count: int) -> None:
    """Writes a folder of IDX files: square images of noise, with `count` images in the training split."""
    generator = np.random.default_rng(SEED)
    folder.mkdir()
    for part, images in (("train", round(count / (1 - _VALIDATION_SPLIT)) + 1), ("t10k", _RANDOM_CLASSES)):
        pixels = generator.integers(0, 256, (images, size, size), np.uint8)
        for name, array in (("images", pixels), ("labels", np.arange(images, dtype=np.uint8) % _RANDOM_CLASSES)):
            header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            (folder / f"{part}-{name}-idx{array.ndim}-ubyte").write_bytes(header + array.tobytes())


def main(name: str, path: str) -> None:
    from trainer import data  # imports TensorFlow, which users of `read` do not need

    loaded = data.load(name, _VALIDATION_SPLIT, SEED)
    np.savez(
        path,
        images=loaded.train.samples,
        labels=loaded.train.targets,
        validation_images=loaded.validation.samples,
        validation_labels=loaded.validation.targets,
        classes=loaded.classes,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
