"""What each part of a recipe contributes: test accuracy and seconds with it alone and with it left out.

    python -m benchmarks.recipes --data=FOLDER --base epochs=26 --parts label_smoothing=0.1 mixup=0.2,erase=0.5

The first row is `--recipe=plain`, the second the base. Each further row adds one part to the base; without --parts, it
takes one setting of the recipe away. Each run is a whole command, startup included, on folds of the training samples
alone: the data's own test part is not used.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import command

# Writes each fold of the training samples as a data set, and prints the parts of its recipe that can be left out.
_PREPARE = """
import dataclasses, json, sys
from pathlib import Path

import numpy as np
from trainer import command_line, data
from trainer.data import on_device
from trainer.run import recipe

folder, folds, count, *flags = sys.argv[1:]
hparams = command_line.read(flags)
loaded = data.load(hparams.data, hparams.validation_split, 0, options=data.SampleOptions(hparams.image_size))
values = recipe.choose(hparams, {}, loaded, 1).values
defaults = {field.name: field.default for field in dataclasses.fields(hparams)}
print(json.dumps([f"{name}={defaults[name]}" for name in values if name not in ("batch_size", "epochs")]))

stores = [loaded.train, loaded.validation]
samples = np.concatenate([on_device.arrays(store)[0] for store in stores])
samples = samples.astype(np.uint8) if samples.dtype == np.float16 else samples  # which stands for bytes
targets = np.concatenate([store.targets for store in stores])
order = np.random.default_rng(0).permutation(len(targets))
order = order[np.argsort(targets[order], kind="stable")]  # so that each fold has its share of each class
for fold in range(int(count)):
    test = order[fold::int(folds)]
    rest = np.setdiff1d(order, test)
    parts = {"x_train": samples[rest], "y_train": targets[rest], "x_test": samples[test], "y_test": targets[test]}
    np.savez(Path(folder, f"fold{fold}.npz"), **parts)
"""


def _run(path: Path, flags: Sequence[str], seed: int, popen: command.Popen) -> tuple[float, float]:
    """Returns the test accuracy in percent and the seconds of a run, from start to exit."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"--data={path}", f"--seed={seed}", "--log_images=never", f"--job_dir={folder}/run", *flags]
        measured = command.measure("-m", "trainer.task", *words, popen=popen)
    return measured.test_accuracy, measured.seconds


def _flags(part: str) -> list[str]:
    return [f"--{setting}" for setting in part.split(",") if setting]


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="digits", help="as in trainer.task: images, signals or volumes")
    parser.add_argument("--base", nargs="*", default=[], metavar="FLAG", help="flags of all rows, such as epochs=26")
    parser.add_argument("--parts", nargs="*", default=[], metavar="FLAGS", help="a row each; several flags by commas")
    parser.add_argument("--folds", type=int, default=5, help="into which the training samples are divided")
    parser.add_argument("--only", type=int, default=0, metavar="COUNT", help="folds that are measured; 0 is all")
    options = parser.parse_args(arguments)

    base, count = [f"--{flag}" for flag in options.base], options.only or options.folds
    with tempfile.TemporaryDirectory() as scratch:
        prepare = [scratch, str(options.folds), str(count), f"--data={options.data}", *base]
        prepared = command.measure("-c", _PREPARE, *prepare, popen=popen)
        parts = options.parts or json.loads(prepared.output.splitlines()[-1])
        rows = {"recipe=plain": ["--recipe=plain", *base], "base": base}
        rows |= {part: [*base, *_flags(part)] for part in parts}
        width = max(map(len, rows)) + 2
        print(f"{'':<{width}}{'accuracy':>10}{'to base':>10}{'seconds':>9}   each fold", flush=True)
        means: dict[str, float] = {}
        for name, flags in sorted(rows.items(), key=lambda row: row[0] != "base"):
            runs = [_run(Path(scratch, f"fold{fold}.npz"), flags, fold, popen) for fold in range(count)]
            accuracies, seconds = zip(*runs, strict=True)
            means[name] = statistics.mean(accuracies)
            each = " ".join(f"{accuracy:.2f}" for accuracy in accuracies)
            cells = f"{means[name]:>8.2f} %{means[name] - means['base']:>+10.2f}{statistics.median(seconds):>9.1f}"
            print(f"{name:<{width}}{cells}   {each}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
