import dataclasses
import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.lists.entries import PARTS, Entry
from trainer.data.lists.split import split
from trainer.errors import UsageError


def _many(count: int, part: str = "") -> list[Entry]:
    return [Entry(f"/data/{index}.png", "cat", f"cat/{index}.png", part) for index in range(count)]


def _parts(found: list[Entry]) -> dict[str, str]:
    return {entry.name: entry.part for entry in found}


def _classes(classes: int, images: int, naming: int = 0) -> list[Entry]:
    names = [
        (f"c{label:03}", f"c{label:03}/img_{naming}_{n:03}.jpg") for label in range(classes) for n in range(images)
    ]
    return [Entry(name, label, name) for label, name in names]


def test_splits_a_tenth_and_the_asked_share() -> None:
    parts = list(_parts(split(_many(5000), 0.2)).values())
    assert parts.count("test") == pytest.approx(500, abs=60)
    assert parts.count("validation") == pytest.approx(900, abs=90)


def test_an_image_that_is_added_moves_no_other() -> None:
    few, many = _parts(split(_many(200), 0.2)), _parts(split(_many(400), 0.2))
    assert {name: many[name] for name in few} == few


def test_another_share_moves_nothing_into_the_test_part() -> None:
    some, other = _parts(split(_many(300), 0.1)), _parts(split(_many(300), 0.5))
    assert {name for name, part in some.items() if part == "test"} == {n for n, part in other.items() if part == "test"}


def test_the_path_does_not_matter() -> None:
    moved = [dataclasses.replace(entry, file=f"/elsewhere{entry.file}") for entry in _many(100)]
    assert _parts(split(moved, 0.2)) == _parts(split(_many(100), 0.2))


def test_parts_that_are_given_stay() -> None:
    given = [*_many(100, "train"), Entry("t", "cat", "t", "test"), Entry("v", "cat", "v", "validation")]
    assert _parts(split(given, 0.5)) == _parts(given)
    without_test = [entry for entry in given if entry.part != "test"]
    parts = _parts(split(without_test, 0.5))
    assert "test" in parts.values()
    assert [name for name, part in parts.items() if part == "validation"] == ["v"]


def test_the_order_mixes_the_classes() -> None:
    labelled = [Entry(f"{label}{i}", label, f"{label}/{i}") for label in "abcd" for i in range(100)]
    first = [entry.label for entry in split(labelled, 0.1)[:40]]
    assert all(first.count(label) > 3 for label in "abcd")


@pytest.mark.parametrize(("classes", "images"), [(2, 2), (2, 3), (2, 5), (2, 10), (2, 20), (7, 4), (100, 3), (1000, 3)])
def test_small_classes_are_all_trained_on_and_each_part_has_an_image(classes: int, images: int) -> None:
    for naming in range(100 if classes < 100 else 3):
        parted = split(_classes(classes, images, naming), 0.1)
        assert {entry.part for entry in parted} == {*PARTS}
        assert len({entry.label for entry in parted if entry.part == "train"}) == classes


@pytest.mark.parametrize("images", [7, 10, 20, 40, 100])
def test_each_class_gives_between_half_and_twice_its_share(images: int) -> None:
    parted = split(_classes(100, images), 0.1)
    for part in ("validation", "test"):
        counts = Counter(entry.label for entry in parted if entry.part == part)
        assert {*counts.values()} <= {*range(max(1, images // 25), images // 5 + 2)}
        assert len(counts) == 100


def test_images_that_are_added_to_small_classes_move_few() -> None:
    for naming in range(50):
        few = _classes(2, 10, naming)
        parts = _parts(split(few, 0.1))
        after = _parts(split([*few, Entry("new", "c000", f"c000/new_{naming}.jpg")], 0.1))
        assert sum(after[name] != part for name, part in parts.items()) <= 2


def _below(entries: list[Entry], label: str, share: float) -> tuple[int, int]:
    """Returns how many names of a class have a hash below a share, and of how many."""
    names = [entry.name for entry in entries if entry.label == label]
    hashes = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big") / 2**56 for name in names]
    return sum(value < share for value in hashes), len(names)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.integers(8, 150), st.integers(8, 60), st.integers(0, 10**6))
def test_an_image_that_is_added_moves_others_only_where_its_class_would_give_too_few_or_too_many(
    images: int, others: int, naming: int
) -> None:
    before = [*_classes(1, images, naming), *(Entry(f"o{n}", "other", f"o/{naming}_{n}") for n in range(others))]
    after = [*before, Entry("new", "c000", f"c000/new_{naming}.jpg")]
    parts, moved = _parts(split(before, 0.1)), _parts(split(after, 0.1))
    changed = [name for name, part in parts.items() if moved[name] != part]
    assert all(name.startswith("c000/") for name in changed)
    assert len(changed) <= 3
    to_test = [name for name in changed if "test" in (parts[name], moved[name])]
    is_within = [of / 20 <= below <= of / 5 for below, of in (_below(some, "c000", 0.1) for some in (before, after))]
    assert not to_test or not all(is_within)


@pytest.mark.parametrize(
    ("classes", "images", "part"), [(1, 1, "validation"), (3, 1, "validation"), (1, 2, "validation")]
)
def test_rejects_too_few_images(classes: int, images: int, part: str) -> None:
    with pytest.raises(UsageError, match=f"{classes * images} samples, which leave none for {part}"):
        split(_classes(classes, images), 0.1)
