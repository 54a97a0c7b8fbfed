"""Photographs: a pretrained backbone in this package and in a plain Keras script, and networks trained from scratch.

    python -m benchmarks.transfer --data=PHOTOS --backbone=BACKBONE.keras

Five-fold cross-validation of a folder of class folders, once per seed. Every row is a whole process, including startup,
pictures and export; in each fold all rows run in turn. The script is what a Keras user writes: the frozen backbone,
flips, rotations and zooms, a dense layer for 12 epochs; "fine-tuned" continues with all layers for 8 more epochs at a
rate of 1e-4.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.held_back import FOLDS, folds, lay_out
from benchmarks.peers import command

_SCRIPT = """
import sys
import keras

folder, file, seed, tuned, size, epochs = sys.argv[1:]
size, epochs = int(size), int(epochs)
keras.utils.set_random_seed(int(seed))
load = lambda part: keras.utils.image_dataset_from_directory(
    f"{folder}/{part}", image_size=(size, size), batch_size=32, verbose=False
)
train, test = load("train"), load("test")
backbone = keras.models.load_model(file, compile=False)
backbone.trainable = False
augment = keras.Sequential([
    keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.05), keras.layers.RandomZoom(0.2)
])
inputs = keras.Input((size, size, 3))
features = keras.layers.GlobalAveragePooling2D()(backbone(augment(inputs)))
outputs = keras.layers.Dense(len(train.class_names))(keras.layers.Dropout(0.2)(features))
model = keras.Model(inputs, outputs)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
model.fit(train, epochs=epochs, verbose=0)
if tuned == "tuned":
    backbone.trainable = True
    model.compile(keras.optimizers.Adam(1e-4), loss, metrics=["accuracy"])
    model.fit(train, epochs=(2 * epochs + 2) // 3, verbose=0)
print(f"test accuracy {model.evaluate(test, verbose=0)[1]:.2%}")
"""

Rows = Mapping[str, Sequence[str]]


def _rows(options: argparse.Namespace, folder: Path, seed: int) -> Rows:
    """Returns the command of each row."""
    script = ["-c", _SCRIPT, str(folder), options.backbone, str(seed)]
    script_ends = [str(options.image_size), str(options.script_epochs)]

    def ours(name: str, *flags: str) -> list[str]:
        words = [f"--data={folder}", "--validation_split=0.03", f"--seed={seed}", *flags]
        return [
            "-m",
            "trainer.task",
            *words,
            f"--job_dir={folder}/runs/{name}",
            *(f"--{flag}" for flag in options.ours),
        ]

    frozen = [f"--model={options.backbone}"]  # and the defaults: 224 pixels, which the frozen backbone sees five times
    own_size = options.image_size * 6 // 5
    tuned = [f"--model={options.backbone}", f"--image_size={own_size}", "--batch_size=16"]
    tuned += ["--learning_rate=0.01", "--unfreeze=3", "--freeze_epochs=30", "--epochs=38", "--fine_tune_rate=0.03"]
    scratch = [
        f"--image_size={options.image_size * 3 // 5}",
        "--batch_size=16",
        "--optimizer=adamw",
        "--weight_decay=0.5",
    ]
    return {
        "Keras script, frozen": [*script, "frozen", *script_ends],
        "trainer, frozen": ours("frozen", *frozen),
        "Keras script, fine-tuned": [*script, "tuned", *script_ends],
        "trainer, fine-tuned": ours("tuned", *tuned),
        "trainer, residual": ours("residual", "--model=residual", "--depth=1", "--epochs=80", *scratch),
        "trainer, convolutional": ours("convolutional", "--model=convolutional", "--epochs=40", *scratch[:2]),
    }


def _line(name: str, runs: Sequence[command.Measured], ratios: Sequence[float]) -> str:
    accuracies, seconds = [run.test_accuracy for run in runs], [run.seconds for run in runs]
    spread = statistics.stdev(accuracies) / len(accuracies) ** 0.5 if len(accuracies) > 1 else 0.0
    return (
        f"{name:<26}{statistics.mean(accuracies):>7.1f} % ± {spread:.1f}{statistics.median(seconds):>9.1f} s"
        f"{statistics.median(ratios):>8.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder of class folders")
    parser.add_argument("--backbone", required=True, help="a .keras file that gives maps")
    parser.add_argument("--seeds", type=int, default=3, help="cross-validations")
    parser.add_argument("--folds", type=int, default=FOLDS, help="how many of the five are held back in turn")
    parser.add_argument("--image_size", type=int, default=160)
    parser.add_argument("--script_epochs", type=int, default=12)
    parser.add_argument("--only", default="", help="rows whose names hold this")
    parser.add_argument("--ours", nargs="*", default=[], metavar="FLAG", help="flags of trainer.task, such as epochs=1")
    options = parser.parse_args(arguments)

    found: dict[str, list[command.Measured]] = {}
    ratios: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        parts = folds(options.data, seed)
        for held_back in range(options.folds):
            with tempfile.TemporaryDirectory() as folder:
                lay_out(parts, held_back, Path(folder))
                rows = {
                    name: words for name, words in _rows(options, Path(folder), seed).items() if options.only in name
                }
                here = {name: command.measure(*words, popen=popen) for name, words in rows.items()}
            first = next(iter(here.values())).seconds
            for name, measured in here.items():
                found.setdefault(name, []).append(measured)
                ratios.setdefault(name, []).append(measured.seconds / first)
            shown = "  ".join(f"{name} {one.test_accuracy:.1f} % {one.seconds:.1f} s" for name, one in here.items())
            print(f"seed {seed} fold {held_back}: {shown}", flush=True)
    print(f"\n{'':<26}{'accuracy, mean':>15}{'median':>11}{'of the first row’s time':>26}")
    for name, runs in found.items():
        print(_line(name, runs, ratios[name]))


if __name__ == "__main__":
    main(sys.argv[1:])
