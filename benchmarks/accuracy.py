"""Test accuracy and time of the default recipe, compared with a plain Keras script of the same network.

    python -m benchmarks.accuracy --data=FOLDER        # or any other --data of trainer.task; digits by default

Both are whole processes, startup included, run in turn for each seed. The script is what a Keras user writes first:
`compile` with Adam, `fit` for 8 epochs on all training images, `evaluate`.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from benchmarks.peers import command

_PLAIN = """
import sys
import keras
import numpy as np
from trainer import data

loaded = data.load(sys.argv[1], validation_split=0.1, seed=0)
images = np.concatenate([loaded.train.samples, loaded.validation.samples])
labels = np.concatenate([loaded.train.targets, loaded.validation.targets])
keras.utils.set_random_seed(int(sys.argv[2]))
model = keras.Sequential([
    keras.Input(loaded.form.shape),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
    keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(loaded.classes),
])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])
model.fit(images, labels, batch_size=128, epochs=int(sys.argv[3]), verbose=0)
accuracy = model.evaluate(loaded.test.samples, loaded.test.targets, verbose=0)[1]
print(f"test accuracy {accuracy:.2%}")
"""


def _measure(*arguments: str, popen: command.Popen) -> tuple[float, float]:
    """Returns the test accuracy in percent that a process prints, and its seconds from start to exit."""
    measured = command.measure(*arguments, popen=popen)
    return measured.test_accuracy, measured.seconds


def _row(name: str, runs: Sequence[tuple[float, float]]) -> str:
    accuracies, seconds = zip(*runs, strict=True)
    return (
        f"{name:<14}{statistics.mean(accuracies):>9.2f} %   ({min(accuracies):.2f} to {max(accuracies):.2f})"
        f"{statistics.median(seconds):>10.1f} s  ({min(seconds):.1f} to {max(seconds):.1f})"
    )


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="digits", help="as in trainer.task")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each")
    parser.add_argument("--epochs", type=int, default=8, help="of the plain script")
    parser.add_argument("--ours", nargs="*", default=[], metavar="FLAG", help="flags of trainer.task, such as epochs=1")
    options = parser.parse_args(arguments)

    plain, ours = [], []
    for seed in range(options.seeds):
        plain.append(_measure("-c", _PLAIN, options.data, str(seed), str(options.epochs), popen=popen))
        with tempfile.TemporaryDirectory() as folder:
            flags = [f"--data={options.data}", f"--seed={seed}", f"--job_dir={folder}/run"]
            flags += [f"--{flag}" for flag in options.ours]
            ours.append(_measure("-m", "trainer.task", *flags, popen=popen))
        print(f"seed {seed}: plain Keras {plain[-1][0]:.2f} %, {plain[-1][1]:.1f} s; ", end="")
        print(f"trainer {ours[-1][0]:.2f} %, {ours[-1][1]:.1f} s", flush=True)

    ratios = [mine[1] / theirs[1] for mine, theirs in zip(ours, plain, strict=True)]
    print(f"\n{'':<14}{'test accuracy, mean':<32}{'seconds, median':>16}")
    print(_row("plain Keras", plain))
    print(_row("trainer", ours))
    print(f"time ratio{statistics.median(ratios):>35.2f}    ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main(sys.argv[1:])
