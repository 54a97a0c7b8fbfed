"""Test accuracy and time of the default recipe and of `--recipe=plain`, compared with a plain Keras script.

    python -m benchmarks.accuracy --data=FOLDER        # or any other --data of trainer.task; digits by default

All are whole processes, startup included, run in turn for each seed. The script is what a Keras user writes first, with
the network of our default: `compile` with Adam, `fit` for 8 epochs on all training images, `evaluate`.
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


_SCRIPT, _DEFAULT, _PLAIN_RECIPE = "plain Keras", "trainer", "--recipe=plain"
_Run = tuple[float, float]  # the test accuracy in percent, and the seconds from start to exit


def _measure(*arguments: str, popen: command.Popen) -> _Run:
    measured = command.measure(*arguments, popen=popen)
    return measured.test_accuracy, measured.seconds


def _ours(flags: Sequence[str], popen: command.Popen) -> _Run:
    with tempfile.TemporaryDirectory() as folder:
        return _measure("-m", "trainer.task", *flags, f"--job_dir={folder}/run", popen=popen)


def _row(name: str, runs: Sequence[_Run], script: Sequence[_Run]) -> str:
    accuracies, seconds = zip(*runs, strict=True)
    times = [mine[1] / theirs[1] for mine, theirs in zip(runs, script, strict=True)]
    return (
        f"{name:<16}{statistics.mean(accuracies):>8.2f} % ({min(accuracies):.2f} to {max(accuracies):.2f})"
        f"{statistics.median(seconds):>8.1f} s{statistics.median(times):>7.2f} ({min(times):.2f} to {max(times):.2f})"
    )


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="digits", help="as in trainer.task")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each")
    parser.add_argument("--epochs", type=int, default=8, help="of the plain script")
    parser.add_argument("--ours", nargs="*", default=[], metavar="FLAG", help="flags of trainer.task, such as epochs=1")
    options = parser.parse_args(arguments)

    runs: dict[str, list[_Run]] = {_SCRIPT: [], _PLAIN_RECIPE: [], _DEFAULT: []}
    for seed in range(options.seeds):
        flags = [f"--data={options.data}", f"--seed={seed}", *(f"--{flag}" for flag in options.ours)]
        runs[_SCRIPT].append(_measure("-c", _PLAIN, options.data, str(seed), str(options.epochs), popen=popen))
        runs[_PLAIN_RECIPE].append(_ours([*flags, _PLAIN_RECIPE], popen))
        runs[_DEFAULT].append(_ours(flags, popen))
        each = "; ".join(f"{name} {own[-1][0]:.2f} %, {own[-1][1]:.1f} s" for name, own in runs.items())
        print(f"seed {seed}: {each}", flush=True)

    print(f"\n{'':<16}{'test accuracy, mean (all)':<28}{'seconds':>10}   of the script's")
    for name, own in runs.items():
        print(_row(name, own, runs[_SCRIPT]))


if __name__ == "__main__":
    main(sys.argv[1:])
