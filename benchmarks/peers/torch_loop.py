"""PyTorch on the CPU: channels last, fused Adam, the data in memory as tensors, eager or with `torch.compile`.

The pixels are gathered, scaled and cast per batch, as in the other peers; no scalar is read back within an epoch.
"""

import os
import sys

import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers import dataset
from benchmarks.peers.dataset import Arrays
from benchmarks.peers.protocol import Channel, Report, serve
from benchmarks.peers.setting import SEED, Setting

_EVALUATION_BATCH = 500  # the engine's


class Network(nn.Module):
    """Maps uint8 `(batch, channels, height, width)`, channels last in memory, to logits."""

    def __init__(self, input_shape: tuple[int, ...], filters: int, classes: int):
        super().__init__()
        height, width, channels = input_shape
        self.conv1 = nn.Conv2d(channels, filters, 3, padding=1)
        self.conv2 = nn.Conv2d(filters, 2 * filters, 3, padding=1)
        self.dense = nn.Linear(height // 2 * (width // 2) * 2 * filters, 128)
        self.logits = nn.Linear(128, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = functional.relu(self.conv1(images * (1 / 255)))
        maps = functional.max_pool2d(functional.relu(self.conv2(maps)), 2)
        features = maps.permute(0, 2, 3, 1).flatten(1)  # the order in memory: this copies nothing
        hidden = functional.relu(self.dense(features))
        with torch.autocast(images.device.type, enabled=False):
            return self.logits(hidden.float())


class Trainer:
    """Holds the network, its optimizer and the data."""

    def __init__(self, arrays: Arrays, setting: Setting):
        self._batch, self._count = setting.batch, arrays.images_per_epoch(setting.batch)
        self._mixed = setting.precision == "bfloat16"
        self._images, self._labels = _tensors(arrays.images, arrays.labels)
        self._validation = _tensors(arrays.validation_images, arrays.validation_labels)
        self._network = Network(arrays.input_shape, setting.filters, arrays.classes).to(
            memory_format=torch.channels_last
        )
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=1e-3, fused=True)
        # There are few sizes: each gets its own code, which is never slower than code for all sizes.
        self._forward = torch.compile(self._compute, dynamic=False) if setting.compiled else self._compute

    def epoch(self) -> Report:
        """Trains on all full batches in a new order, then evaluates on the validation split."""
        order = torch.randperm(len(self._labels))
        total, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for indices in order[: self._count].split(self._batch):
            loss, right = self._forward(self._images[indices], self._labels[indices])
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            total += loss.detach() * self._batch
            correct += right
        return {"loss": total / self._count, "accuracy": correct / self._count} | self._evaluate()

    @torch.no_grad()
    def _evaluate(self) -> dict[str, torch.Tensor]:
        total, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for images, labels in zip(*(part.split(_EVALUATION_BATCH) for part in self._validation), strict=True):
            loss, right = self._forward(images, labels)
            total += loss * len(labels)
            correct += right
        count = len(self._validation[1])
        return {"val_loss": total / count, "val_accuracy": correct / count}

    def _compute(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._mixed):
            logits = self._network(images)
        return functional.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()


def _tensors(images: object, labels: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns images as `(count, channels, height, width)`, channels last in memory, and labels."""
    return torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels).long()  # type: ignore[arg-type]


def main(setting: Setting, channel: Channel) -> None:
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(SEED)
    arrays = dataset.read(setting.arrays)
    serve(channel, arrays.images_per_epoch(setting.batch), Trainer(arrays, setting).epoch)


if __name__ == "__main__":
    main(Setting.from_json(sys.argv[1]), Channel())
