"""How well wrong labels are found, beside cleanlab on the same predictions, and what leaving them out gains.

    python -m benchmarks.suspects --data=FOLDER --share=0.1 --seeds=5 --base epochs=6

A share of the training labels is replaced at random. The first table has the precision among as many samples as labels
were replaced, of `python -m trainer.data --suspects` and of cleanlab's scores, if it is installed. The second has the
test accuracy of networks trained on all samples, on those that `--drop` leaves, and on all with the right labels. Test
labels are never replaced. Each run is a whole command. With several seeds, each draws other wrong labels, and gains are
differences for the same seed.
"""

import argparse
import dataclasses
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scipy import stats

from benchmarks.peers import command

# Writes the data with the right labels and with wrong ones, and which are wrong.
_PREPARE = """
import sys
from pathlib import Path

import numpy as np
from trainer import data
from trainer.data import on_device

folder, name, size, share, most, seed = sys.argv[1:]
loaded = data.load(name, 0.1, 0, options=data.SampleOptions(int(size)))


def arrays(*stores):
    samples = np.concatenate([on_device.arrays(store)[0] for store in stores])
    samples = samples.astype(np.uint8) if samples.dtype == np.float16 else samples  # which stands for bytes
    return samples, np.concatenate([store.targets for store in stores])


random = np.random.default_rng(int(seed))
samples, labels = arrays(loaded.train, loaded.validation)
test, of_test = arrays(loaded.test)
if int(most):  # the others are tested
    order = random.permutation(len(labels))
    some, others = order[: int(most)], order[int(most) :]
    test, of_test = np.concatenate([test, samples[others]]), np.concatenate([of_test, labels[others]])
    samples, labels = samples[some], labels[some]
wrong = random.permutation(len(labels))[: round(float(share) * len(labels))]
given = labels.copy()
given[wrong] = (labels[wrong] + random.integers(1, loaded.classes, len(wrong))) % loaded.classes
for file, own in (("right", labels), ("given", given)):
    np.savez(Path(folder, file + ".npz"), x_train=samples, y_train=own, x_test=test, y_test=of_test)
np.save(Path(folder, "wrong.npy"), wrong)
"""

# Prints the precision of each method among as many samples as labels are wrong, and of the list as it is written.
_COMPARE = """
import csv, json, sys
from pathlib import Path

import numpy as np
from trainer import command_line, data
from trainer.data.held_out import HeldOut, path_of
from trainer.screen import Screen
from trainer.suspects.pool import Pool
from trainer.suspects.search import search

folder, root, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
flags = command_line.read([f"--data={folder}/given.npz", f"--folds={count}"])
held = [HeldOut.read(path_of(root, number)) for number in range(1, count + 1)]
names = [name for one in held for name in one.names]
targets = np.concatenate([one.targets for one in held])
shares = np.concatenate([one.probabilities for one in held]).astype(np.float64)
wrong = {str(number) for number in np.load(folder / "wrong.npy")}
found = search(root, held, Pool(data.load_configured(flags, Screen(quiet=True))), lambda line: None)
orders = {"trainer": [found.pool.names[index] for index in found.ranked]}
try:
    from cleanlab.rank import get_label_quality_scores
except ImportError:
    pass
else:
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        scores = get_label_quality_scores(targets, shares, method=method)
        orders["cleanlab " + method] = [names[index] for index in np.argsort(scores, kind="stable")]
precision = {name: sum(one in wrong for one in order[: len(wrong)]) / len(wrong) for name, order in orders.items()}
with (root / "suspects.csv").open() as file:
    listed = {row["name"] for row in csv.DictReader(file) if row["problem"] == "label"}
print(json.dumps([precision, len(wrong), len(listed), len(listed & wrong)]))
"""


@dataclasses.dataclass(frozen=True)
class Once:
    """What one seed has shown.

    Attributes:
      precision: among as many samples as labels are wrong, by method.
      wrong: the number of wrong labels.
      listed: the number of labels in the list.
      right: how many of these are wrong labels.
      accuracy: on the test samples in percent, by what is trained on.
    """

    precision: Mapping[str, float]
    wrong: int
    listed: int
    right: int
    accuracy: Mapping[str, float]


def _once(options: argparse.Namespace, seed: int, popen: command.Popen) -> Once:
    flags = [f"--{flag}" for flag in (*options.base, f"seed={seed}")]
    with tempfile.TemporaryDirectory() as scratch:
        prepare = [scratch, options.data, str(options.image_size), str(options.share), str(options.most)]
        command.measure("-c", _PREPARE, *prepare, str(seed), popen=popen)
        given, root = f"{scratch}/given.npz", Path(scratch, "folds")
        words = ["--suspects", f"--data={given}", f"--folds={options.folds}", f"--job_dir={root}", *flags]
        command.measure("-m", "trainer.data", *words, popen=popen)
        compared = command.measure("-c", _COMPARE, scratch, str(root), str(options.folds), popen=popen)
        precision, wrong, listed, right = json.loads(compared.output.splitlines()[-1])
        rows = {
            "all samples": (given, flags),
            "--drop=suspects.csv": (given, [*flags, f"--drop={root / 'suspects.csv'}"]),
            "all samples with the right labels": (f"{scratch}/right.npz", flags),
        }
        accuracy = {name: _accuracy(data, own, popen) for name, (data, own) in rows.items()}
        return Once(precision, wrong, listed, right, accuracy)


def _accuracy(data: str, flags: Sequence[str], popen: command.Popen) -> float:
    """Returns the test accuracy of a run in percent."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"--data={data}", "--log_images=never", "--report=no", f"--job_dir={folder}/run", *flags]
        return command.measure("-m", "trainer.task", *words, popen=popen).test_accuracy


def _gain(some: Sequence[float], others: Sequence[float]) -> str:
    """Returns the mean difference of pairs, with its 95 % interval by Student's t where there are several."""
    found = [one - other for one, other in zip(some, others, strict=True)]
    if len(found) < 2:
        return f"{found[0]:+.2f}"
    half = float(stats.t.ppf(0.975, len(found) - 1)) * statistics.stdev(found) / math.sqrt(len(found))
    return f"{statistics.fmean(found):+.2f} \u00b1 {half:.2f}"


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the tables; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="digits", help="as in trainer.task: images, signals or volumes")
    parser.add_argument("--base", nargs="*", default=[], metavar="FLAG", help="flags of all runs, such as epochs=6")
    parser.add_argument("--image_size", type=int, default=0, help="as in trainer.task")
    parser.add_argument("--share", type=float, default=0.1, help="of the labels that are replaced")
    parser.add_argument(
        "--most", type=int, default=0, metavar="COUNT", help="training samples, the others are tested; 0 is all"
    )
    parser.add_argument("--folds", type=int, default=5, help="as in trainer.task")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--seeds", type=int, default=1, metavar="COUNT", help="each with other wrong labels")
    options = parser.parse_args(arguments)

    found = [_once(options, seed, popen) for seed in range(options.seed, options.seed + options.seeds)]
    wrong, listed, right = (sum(getattr(one, name) for one in found) for name in ("wrong", "listed", "right"))
    print(f"{wrong:,} wrong labels in {len(found)} draws; lists of {listed:,}, {right:,} of them wrong")
    print(f"precision of the first {found[0].wrong:,}, mean")
    for name in found[0].precision:
        print(f"  {name:<42}{statistics.fmean(one.precision[name] for one in found):>8.1%}")
    print(f"test accuracy, mean{'':<26}gained over all samples")
    first, *names = found[0].accuracy
    base = [one.accuracy[first] for one in found]
    print(f"  {first:<35}{statistics.fmean(base):>6.2f}%")
    for name in names:
        own = [one.accuracy[name] for one in found]
        print(f"  {name:<35}{statistics.fmean(own):>6.2f}%    {_gain(own, base)}")


if __name__ == "__main__":
    main(sys.argv[1:])
