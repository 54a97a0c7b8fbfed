"""This package's own training, in whole runs; the time of logs and checkpoints is outside the epochs."""

import datetime
import sys
import tempfile
from collections.abc import Sequence

import keras

from benchmarks import timing
from benchmarks.peers import dataset, primitives
from benchmarks.peers.protocol import Channel, Report
from benchmarks.peers.served_epochs import FOREVER, ServedEpochs
from benchmarks.peers.setting import SEED, Setting
from benchmarks.peers.step_clock import StepClock

_PRIMITIVES_REPEATS = 5  # repetitions per round; the figure is the median over the rounds


def run(arguments: Sequence[str], callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Runs `python -m trainer.task` with these flags and additional callbacks.

    This function and `data.load` are the only parts of the package's Python interface that these benchmarks use.
    """
    from rich.console import Console

    from trainer import command_line as flags
    from trainer.environment import Environment
    from trainer.run import train

    hparams = flags.read(arguments)
    environment = Environment.read({}, hparams.job_dir, datetime.datetime.now())
    train.run(hparams, environment, Console(file=sys.stderr), callbacks)


def main(setting: Setting, channel: Channel) -> None:
    arrays, clock = dataset.read(setting.arrays), StepClock()
    graphs: list[primitives.Work] = []  # created after the engine has chosen its precision

    def describe(model: keras.Model) -> Report:
        precision = next(layer.compute_dtype for layer in model.layers if layer.weights)
        if not setting.primitives:
            return {"precision": precision, "step_seconds": clock.seconds}
        if not graphs:
            graphs.append(primitives.graph(arrays.input_shape, setting, arrays.classes, precision))
        graphs[0]()  # warm-up: the caches have the step's data
        seconds = timing.sample(graphs[0], _PRIMITIVES_REPEATS)
        return {"precision": precision, "step_seconds": clock.seconds, "primitives_seconds": seconds}

    flags: dict[str, object] = {
        "data": setting.data,
        "filters": setting.filters,
        "batch_size": setting.batch,
        "precision": setting.precision,
        "epochs": FOREVER,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "dropout": 0,
        "augment": "none",
        "seed": SEED,
    }
    if setting.model:
        flags |= {"model": setting.model, "log_images": "never"}  # pictures are drawn between epochs
    served = ServedEpochs(channel, len(arrays.labels), describe)
    with tempfile.TemporaryDirectory() as folder:
        run([f"--{name}={value}" for name, value in (flags | {"job_dir": folder}).items()], [clock, served])


if __name__ == "__main__":
    main(Setting.from_json(sys.argv[1]), Channel())
