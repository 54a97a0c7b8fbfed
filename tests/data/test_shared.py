from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from trainer.data import Dataset, Split
from trainer.data.stores.shared import Shared
from trainer.errors import UsageError
from trainer.hparams import HParams

SCREEN = Console(quiet=True)


def make(hparams: HParams, screen: Console) -> Dataset:
    random = np.random.default_rng(hparams.seed)
    parts = [
        Split(random.integers(0, 256, (count, 4, 4, 1), np.uint8), np.arange(count, dtype=np.int32) % 3)
        for count in (6, 3, 3)
    ]
    return Dataset(*parts, classes=3)


def test_reads_once_and_gives_the_same(tmp_path: Path) -> None:
    calls = list[int]()

    def load(hparams: HParams, screen: Console) -> Dataset:
        calls.append(hparams.seed)
        return make(hparams, screen)

    for hparams in (HParams(), HParams(filters=64), HParams(seed=1), HParams()):
        given = Shared(tmp_path, load).load(hparams, SCREEN)
        expected = make(hparams, SCREEN)
        assert vars(given).keys() == vars(expected).keys()
        assert given.classes == 3
        for part in ("train", "validation", "test"):
            assert np.array_equal(getattr(given, part).images, getattr(expected, part).images)
            assert np.array_equal(getattr(given, part).labels, getattr(expected, part).labels)
    assert calls == [0, 1]


def test_a_failure_is_the_readers_and_leaves_nothing(tmp_path: Path) -> None:
    def fail(hparams: HParams, screen: Console) -> Dataset:
        raise UsageError("no such data")

    with pytest.raises(UsageError, match="no such data"):
        Shared(tmp_path, fail).load(HParams(), SCREEN)
    assert Shared(tmp_path, make).load(HParams(), SCREEN).classes == 3
