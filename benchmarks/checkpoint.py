"""The cost of checkpoints: the training thread's time for each save, and its share of a run.

    python -m benchmarks.checkpoint --epochs=40

The example network, batch 64, on images of noise. Every other epoch, a save starts with the epoch and continues during
it, so that epochs with and without a save are interleaved in one run.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.training import optimizer
from trainer.training.checkpoint import Store
from trainer.training.feed import Feed
from trainer.training.loop import Loop, Stage
from trainer.training.save import Every, SaveCheckpoint

_BATCH = 64
_INTERVAL = 30.0  # seconds, the default
_EPOCH = 109  # steps: 7,000 images


class SaveEveryOther(keras.callbacks.Callback):
    """Times epochs, and starts a save with every other one."""

    def __init__(self, save: SaveCheckpoint):
        super().__init__()
        self._save, self.own, self.epochs = save, list[float](), ([], [])  # type: tuple[Any, ...]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin = time.perf_counter()
        if epoch % 2:
            self._save.save()
            self.own.append(time.perf_counter() - self._begin)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs[epoch % 2].append(time.perf_counter() - self._begin)
        self._save.wait()


def measure(epochs: int, steps: int) -> SaveEveryOther:
    model = networks.build(HParams(), Form((28, 28), 1), 10).model
    model.compile(optimizer.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)
    loop = Loop(model, tf.distribute.get_strategy(), [keras.metrics.SparseCategoricalAccuracy(name="accuracy")])
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (_BATCH, 28, 28, 1)).astype(np.float32)
    batch = tf.data.Dataset.from_tensors((images, random.integers(0, 10, _BATCH).astype(np.int32))).cache()
    with tempfile.TemporaryDirectory() as folder:
        save = SaveCheckpoint(Store(Path(folder), {}), loop.state, Every())
        timed = SaveEveryOther(save)
        training, validation = Feed(lambda context: batch.repeat(), steps * epochs), Feed(lambda context: batch, 1)
        loop.fit([Stage.whole(model, epochs, training, validation)], steps, [timed])
    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--steps", type=int, default=_EPOCH, help="in each epoch")
    arguments = parser.parse_args()
    timed = measure(arguments.epochs, arguments.steps)
    without, saving = (epochs[1:] or epochs for epochs in timed.epochs)  # the first ones include compilation
    costs = [a - b for a, b in zip(saving, without, strict=False)]
    own = [1e3 * seconds for seconds in timed.own]
    low, middle, high = (1e3 * cost for cost in statistics.quantiles(costs, n=4)) if len(costs) > 1 else 3 * costs
    epoch = statistics.median(without)
    often = middle / 1e3 * (1 / _INTERVAL + 1 / epoch)
    print(f"training thread, each save       median {statistics.median(own):6.1f} ms, at most {max(own):.1f} ms")
    print(f"an epoch of {arguments.steps} steps             {epoch:6.2f} s without a save")
    print(f"it takes longer with one         median {middle:6.1f} ms, middle half {low:.1f} to {high:.1f} ms")
    print(f"a save every {_INTERVAL:.0f} s and each epoch  {often:6.2%} of the run")
    print(f"a save every {_INTERVAL:.0f} s                 {middle / 1e3 / _INTERVAL:6.2%} of the run")


if __name__ == "__main__":
    main()
