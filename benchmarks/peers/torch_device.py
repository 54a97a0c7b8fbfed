"""PyTorch on an accelerator: data on the device, channels last, fused Adam; eager or with CUDA graphs.

Float32 is TensorFloat-32, as in Keras. Without a GPU, it uses the CPU.
"""

import sys

import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers import dataset
from benchmarks.peers.dataset import Arrays
from benchmarks.peers.protocol import Channel, Report, serve
from benchmarks.peers.setting import SEED, Setting
from benchmarks.peers.torch_loop import Network

_EVALUATION_BATCH = 1024


class Trainer:
    """Holds the network, its optimizer and the data."""

    def __init__(self, arrays: Arrays, setting: Setting, device: str):
        self._batch, self._count, self._device = setting.batch, arrays.images_per_epoch(setting.batch), device
        self._mixed = setting.precision == "bfloat16"
        self._images, self._labels = self._moved(arrays.images, arrays.labels)
        self._validation = self._moved(arrays.validation_images, arrays.validation_labels)
        self._network: nn.Module = Network(arrays.input_shape, setting.filters, arrays.classes).to(
            device, memory_format=torch.channels_last
        )
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=1e-3, fused=True)
        mode = "reduce-overhead" if device == "cuda" else "default"
        self._forward = torch.compile(self._compute, mode=mode) if setting.compiled else self._compute

    def epoch(self) -> Report:
        """Trains on all full batches in a new order, then evaluates on the validation split."""
        order = torch.randperm(len(self._labels), device=self._device)
        total, correct = torch.zeros((), device=self._device), torch.zeros((), device=self._device)
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
        total, correct = torch.zeros((), device=self._device), torch.zeros((), device=self._device)
        for images, labels in zip(*(part.split(_EVALUATION_BATCH) for part in self._validation), strict=True):
            loss, right = self._compute(images, labels)
            total += loss * len(labels)
            correct += right
        count = len(self._validation[1])
        return {"val_loss": total / count, "val_accuracy": correct / count}

    def _compute(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast(self._device, torch.bfloat16, enabled=self._mixed):
            logits = self._network(images)
        return functional.cross_entropy(logits.float(), labels), (logits.argmax(1) == labels).sum()

    def _moved(self, images: object, labels: object) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns images as `(count, channels, height, width)`, channels last in memory, and labels."""
        moved = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2)  # type: ignore[arg-type]
        return moved, torch.from_numpy(labels).long().to(self._device)  # type: ignore[arg-type]


def main(setting: Setting, channel: Channel) -> None:
    torch.manual_seed(SEED)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    arrays = dataset.read(setting.arrays)
    trainer = Trainer(arrays, setting, "cuda" if torch.cuda.is_available() else "cpu")
    serve(channel, arrays.images_per_epoch(setting.batch), trainer.epoch)


if __name__ == "__main__":
    main(Setting.from_json(sys.argv[1]), Channel())
