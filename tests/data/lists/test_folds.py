from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.from_files import from_files
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import folds
from trainer.data.lists.entries import Entry
from trainer.data.lists.folds import Fold
from trainer.data.lists.split import split
from trainer.data.lists.targets import Labels
from trainer.errors import UsageError


@pytest.mark.parametrize(
    ("text", "fold"), [("0", None), ("5", Fold(0, 5)), ("3/5", Fold(3, 5)), ("20/20", Fold(20, 20))]
)
def test_reads_the_flag(text: str, fold: Fold | None) -> None:
    assert Fold.read(text) == fold
    assert fold is None or fold.name == text


@given(st.lists(st.integers(0, 9), min_size=2, max_size=200), st.integers(2, 20), st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_each_class_and_the_whole_are_in_equal_shares(numbers: list[int], count: int, seed: int) -> None:
    labels = np.array(numbers)
    order = np.random.default_rng(seed).permutation(len(labels))
    if len(labels) < count:
        with pytest.raises(UsageError, match=rf"`--folds` must be at most .* fold, {len(labels)}. Received: {count}"):
            folds.assign(labels, order, count)
        return
    found = folds.assign(labels, order, count)
    for some in (found, *(found[labels == label] for label in set(numbers))):
        sizes = np.bincount(some, minlength=count + 1)[1:]
        assert len(sizes) == count
        assert sizes.max() - sizes.min() <= 1


def _entries(sizes: dict[str, int], part: str = "") -> list[Entry]:
    return [Entry(f"/{c}/{i}", c, f"{c}/{i}", part) for c, size in sizes.items() for i in range(size)]


def _tested(entries: list[Entry], count: int) -> list[set[str]]:
    runs = [split(entries, 0.1, Fold(number, count)) for number in range(1, count + 1)]
    return [{entry.name for entry in run if entry.part == "test"} for run in runs]


@pytest.mark.parametrize("sizes", [{"a": 40, "b": 23, "c": 1}, {"a": 3, "b": 3, "c": 3}])
def test_each_sample_is_tested_once_and_in_each_run_once(sizes: dict[str, int]) -> None:
    entries = _entries(sizes)
    assert Counter(name for names in _tested(entries, 5) for name in names) == {one.name: 1 for one in entries}
    for number in range(6):
        run = split(entries, 0.1, Fold(number, 5))
        assert sorted(entry.name for entry in run) == sorted(entry.name for entry in entries)
        assert {entry.part for entry in run} == {"train", "validation"} | ({"test"} if number else set())


def test_the_test_part_of_the_data_is_tested_by_the_final_run_alone_and_its_validation_part_stays() -> None:
    given = {"test": {"a": 4, "b": 3}, "validation": {"a": 2, "b": 2}, "train": {"a": 10, "b": 15}}
    entries = [entry for part, sizes in given.items() for entry in _entries(sizes, part)]
    entries = [Entry(f"{one.part}{one.file}", one.label, f"{one.part}/{one.name}", one.part) for one in entries]
    final = split(entries, 0.1, Fold(0, 5))
    assert {(entry.name, entry.part) for entry in final} == {(entry.name, entry.part) for entry in entries}
    assert set.union(*_tested(entries, 5)) == {entry.name for entry in entries if entry.part == "train"}
    run = split(entries, 0.1, Fold(2, 5))
    assert Counter(entry.part for entry in run) == {"train": 20, "test": 5, "validation": 4}


def test_an_added_sample_moves_few_others() -> None:
    before = _tested(_entries({"a": 100, "b": 100}), 5)
    after = _tested([*_entries({"a": 100, "b": 100}), Entry("/new", "a", "a/new")], 5)
    moved = sum(len(old - new) for old, new in zip(before, after, strict=True))
    assert moved <= 8, "at most one for each border between blocks of a class"


def test_rejects_a_class_that_is_in_the_test_part_alone() -> None:
    entries = [*_entries({"a": 9, "b": 9}, "train"), *_entries({"c": 2}, "test")]
    with pytest.raises(UsageError, match=r"/c/\d: a class must have an image in the training part. Received: c, which"):
        from_files(entries, IMAGE, 0.1, SampleOptions(), print, fold=Fold(1, 5))


def test_folds_of_several_labels_share_the_rare_ones() -> None:
    labels = {'["a"]': 20, '["a", "b"]': 20, '["a", "rare"]': 5, '["b", "rare"]': 5, "[]": 10}
    entries = [
        Entry(f"/{n}/{i}", text, f"{n}/{i}") for n, (text, size) in enumerate(labels.items()) for i in range(size)
    ]
    for number in range(1, 6):
        held = [one for one in split(entries, 0.1, Fold(number, 5), Labels().strata) if one.part == "test"]
        assert len(held) == 12
        assert sum("rare" in one.label for one in held) == 2
