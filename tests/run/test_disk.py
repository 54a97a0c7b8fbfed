"""What a run says that it will leave; `tests.test_task` has a whole run beside its line."""

import keras
import numpy as np
import pytest

from trainer.hparams import HParams
from trainer.run import disk
from trainer.run.disk import Disk
from trainer.training import optimizer


@pytest.mark.parametrize(
    "flags",
    [
        {"optimizer": "adam"},
        {"optimizer": "adamw", "average_epochs": 2.0},
        {"optimizer": "sgd", "momentum": 0.0},
        {"optimizer": "sgd", "average_epochs": 1.0},
    ],
)
def test_counts_what_an_optimizer_keeps_for_each_weight(flags: dict[str, object]) -> None:
    hparams = HParams(**flags)  # type: ignore[arg-type]
    weights = [keras.Variable(np.zeros((30, 40), np.float32))]
    made = optimizer.make(hparams, 10)
    made.build(weights)
    kept = sum(np.asarray(one).nbytes for one in made.variables if len(one.shape))
    assert kept == disk.slots(hparams) * 4800


@pytest.mark.parametrize(
    ("left", "keep", "line"),
    [
        (Disk(2, 4_848_900, 1_617_000, 0, 1_617_300), 2,
         "leaves up to 12.9 MB of weights: 2 checkpoints of 4.8 MB (--keep_checkpoints=2), the best epoch's of 1.6 MB, "
         "model 1.6 MB"),
        (Disk(1, 138_000, 0, 13_652_000, 13_700_000), 2,
         "leaves up to 27.5 MB of weights: 1 checkpoint of 0.1 MB and 13.7 MB of frozen weights once, "
         "model 13.7 MB"),
        (Disk(2, 300_000_000, 0, 0, 2_500), 5,
         "leaves up to 600 MB of weights: 2 checkpoints of 300 MB, model 2.5 kB"),
    ],
)  # fmt: skip
def test_says_it_in_a_line(left: Disk, keep: int, line: str) -> None:
    assert left.line(keep) == line
