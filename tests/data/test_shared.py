import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.data.making import write_classes
from trainer import data
from trainer.data import PARTS, Dataset, Form, Memory
from trainer.data.shared import Shared
from trainer.errors import UsageError
from trainer.hparams import HParams

SCREEN = Console(quiet=True)


def make(hparams: HParams, screen: Console) -> Dataset:
    random = np.random.default_rng(hparams.seed)
    train, validation, test = (
        Memory(
            random.integers(0, 256, (count, 4, 4, 1), np.uint8), np.arange(count, dtype=np.int32) % 3, Form((4, 4), 1)
        )
        for count in (6, 3, 3)
    )
    return Dataset(train, validation, test, classes=3)


class Reader:
    """Makes data sets, and counts them."""

    def __init__(self) -> None:
        self.read = list[HParams]()

    def load(self, hparams: HParams, screen: Console) -> Dataset:
        self.read.append(hparams)
        return make(hparams, screen)


def test_reads_once_and_gives_the_same(tmp_path: Path) -> None:
    reader = Reader()
    for hparams in (HParams(), HParams(filters=64), HParams(seed=1), HParams()):
        given = Shared(tmp_path, reader.load).load(hparams, SCREEN)
        expected = make(hparams, SCREEN)
        assert vars(given).keys() == vars(expected).keys()
        assert given.classes == 3
        for part in PARTS:
            for one, two in zip(getattr(given, part).preview(), getattr(expected, part).preview(), strict=True):
                np.testing.assert_array_equal(one, two)
    assert [hparams.seed for hparams in reader.read] == [0, 1]


def test_a_study_of_what_is_done_with_the_samples_shares_one_copy(tmp_path: Path) -> None:
    reader = Reader()
    for changed in ({"augment": "photo"}, {"augment": "none"}, {"class_weights": "auto"}, {"batch_size": 3}):
        Shared(tmp_path, reader.load).load(HParams(**changed), SCREEN)
    assert len(reader.read) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"data": "mnist"},
        {"validation_split": 0.2},
        {"image_size": 8},
        {"color": "rgb"},
        {"skip_broken": "yes"},
        {"seed": 1},
    ],
)
def test_what_selects_other_samples_is_another_copy(tmp_path: Path, changed: dict[str, object]) -> None:
    reader = Reader()
    for hparams in (HParams(), HParams(**changed)):  # type: ignore[arg-type]
        Shared(tmp_path, reader.load).load(hparams, SCREEN)
    assert len(reader.read) == 2


def test_samples_that_stay_in_files_are_left_there(tmp_path: Path) -> None:
    write_classes(tmp_path / "images", {f"{part}/{label}": 1 for part in PARTS for label in "ab"})
    hparams = HParams(data=str(tmp_path / "images"))
    (tmp_path / "shared").mkdir()
    given = Shared(tmp_path / "shared", data.load_configured).load(hparams, SCREEN)
    assert [len(getattr(given, part)) for part in PARTS] == [2, 2, 2]
    assert [path.suffix for path in (tmp_path / "shared").iterdir()] == [".lock"]


def test_samples_are_mapped_and_not_read(tmp_path: Path) -> None:
    given = Shared(tmp_path, make).load(HParams(), SCREEN)
    assert isinstance(given.train.arrays()["samples"], np.memmap)
    (rest,) = tmp_path.glob("*/rest.json")
    assert json.loads(rest.read_text())["classes"] == 3


def test_a_failure_is_the_readers_and_leaves_nothing(tmp_path: Path) -> None:
    def fail(hparams: HParams, screen: Console) -> Dataset:
        raise UsageError("no such data")

    with pytest.raises(UsageError, match="no such data"):
        Shared(tmp_path, fail).load(HParams(), SCREEN)
    assert Shared(tmp_path, make).load(HParams(), SCREEN).classes == 3
