"""Reads images from disk with PyTorch: `torch.utils.data.DataLoader`, Pillow, two worker processes."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset


class Files(Dataset[tuple[torch.Tensor, int]]):
    """Images and labels.

    Args:
      paths: the paths of the images.
      labels: the labels of the images.
      side: the size in pixels to which images are resized.
    """

    def __init__(self, paths: Sequence[str], labels: Sequence[int], side: int):
        self._paths, self._labels, self._side = paths, labels, side

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self._paths[index]) as opened:
            image = opened.convert("RGB")
        if image.size != (self._side, self._side):
            image = image.resize((self._side, self._side), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(image).transpose(2, 0, 1).astype(np.float32)), self._labels[index]


class Epochs:
    """Epochs of shuffled batches; the workers stay between them.

    Args:
      paths: the paths of the images.
      labels: the labels of the images.
      side: the size in pixels.
      batch: images per batch.
      workers: the number of processes. They are not forked, because this process has TensorFlow's threads.
    """

    def __init__(self, paths: Sequence[str], labels: Sequence[int], side: int, batch: int, workers: int):
        self._loader = DataLoader(
            Files(paths, labels, side),
            batch_size=batch,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            persistent_workers=True,
            multiprocessing_context="spawn",
        )

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self._loader)
