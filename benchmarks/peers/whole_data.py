"""Writes all parts of a data set as arrays to one file, for a peer that runs in another Python environment.

python -m benchmarks.peers.whole_data NAME SEED FILE.npz    # NAME: any --data of trainer.task with samples of one form
"""

import sys

import numpy as np

from trainer import data
from trainer.hparams import HParams


def main(name: str, seed: str, path: str) -> None:
    """Writes `<part>_samples`, `(count, *spatial, channels)`, and `<part>_targets`, in the parts of `trainer.task`."""
    loaded = data.load(name, HParams.validation_split, int(seed))
    arrays = {}
    for part in ("train", "validation", "test"):
        store = getattr(loaded, part)
        samples, targets = store.preview()
        if len(samples) != len(store):
            raise ValueError(f"`NAME` must be a data set that fits in memory. Received: {name}")
        arrays |= {f"{part}_samples": samples, f"{part}_targets": targets}
    np.savez(path, classes=loaded.classes, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
