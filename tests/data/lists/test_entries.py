import pytest

from trainer.data.lists import entries
from trainer.data.lists.entries import Entry


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
