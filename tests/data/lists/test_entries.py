import dataclasses

import pytest

from trainer.data.lists import entries
from trainer.data.lists.entries import Entry
from trainer.errors import UsageError


def _many(count: int, part: str = "") -> list[Entry]:
    return [Entry(f"/data/{index}.png", "cat", f"cat/{index}.png", part) for index in range(count)]


def _parts(found: list[Entry]) -> dict[str, str]:
    return {entry.name: entry.part for entry in found}


def test_splits_a_tenth_and_the_asked_share() -> None:
    parts = list(_parts(entries.split(_many(5000), 0.2)).values())
    assert parts.count("test") == pytest.approx(500, abs=60)
    assert parts.count("validation") == pytest.approx(900, abs=90)


def test_an_image_that_is_added_moves_no_other() -> None:
    few, many = _parts(entries.split(_many(200), 0.2)), _parts(entries.split(_many(400), 0.2))
    assert {name: many[name] for name in few} == few


def test_another_share_moves_nothing_into_the_test_part() -> None:
    some, other = _parts(entries.split(_many(300), 0.1)), _parts(entries.split(_many(300), 0.5))
    assert {name for name, part in some.items() if part == "test"} == {n for n, part in other.items() if part == "test"}


def test_the_path_does_not_matter() -> None:
    moved = [dataclasses.replace(entry, file=f"/elsewhere{entry.file}") for entry in _many(100)]
    assert _parts(entries.split(moved, 0.2)) == _parts(entries.split(_many(100), 0.2))


def test_parts_that_are_given_stay() -> None:
    given = [*_many(100, "train"), Entry("t", "cat", "t", "test"), Entry("v", "cat", "v", "validation")]
    assert _parts(entries.split(given, 0.5)) == _parts(given)
    without_test = [entry for entry in given if entry.part != "test"]
    parts = _parts(entries.split(without_test, 0.5))
    assert "test" in parts.values()
    assert [name for name, part in parts.items() if part == "validation"] == ["v"]


def test_the_order_mixes_the_classes() -> None:
    labelled = [Entry(f"{label}{i}", label, f"{label}/{i}") for label in "abcd" for i in range(100)]
    first = [entry.label for entry in entries.split(labelled, 0.1)[:40]]
    assert all(first.count(label) > 3 for label in "abcd")


def test_classes_are_in_the_order_of_their_names_and_numbers() -> None:
    names = ("10", "9", "kind 2", "kind 10", "Ärger", "b", "二")
    assert entries.class_names(Entry("f", name, "f") for name in names) == (
        "9",
        "10",
        "b",
        "kind 2",
        "kind 10",
        "Ärger",
        "二",
    )


@pytest.mark.parametrize(
    ("word", "part"),
    [("TRAIN", "train"), ("val", "validation"), (" test ", "test"), ("UNASSIGNED", ""), ("", ""), ("cat", None)],
)
def test_words_for_parts(word: str, part: str | None) -> None:
    assert entries.part_named(word) == part


def test_rejects_a_part_without_an_image() -> None:
    with pytest.raises(UsageError, match="of 1 none fell to (validation|test|train)"):
        entries.split(_many(1), 0.1)
