from trainer.data import problems
from trainer.data.lists.entries import Entry
from trainer.data.survey import Finding


def _find(*rows: tuple[str, str, str, str]) -> list[tuple[str, str, int]]:
    """Finds problems of images that are each a name, a part, a class and a content, which is broken where empty."""
    entries = [Entry(name, label, name, part) for name, part, label, _ in rows]
    findings = [Finding(digest=content, reason="" if content else "no image") for *_, content in rows]
    return [(problem.location, problem.text, problem.index) for problem in problems.find(entries, findings)]


def test_nothing_is_wrong() -> None:
    assert _find(("a", "train", "x", "1"), ("b", "train", "x", "1"), ("c", "test", "x", "2")) == []


def test_names_broken_images_and_classes_that_are_left_without_any() -> None:
    assert _find(
        ("a", "train", "x", "1"), ("b", "train", "y", ""), ("c", "test", "y", "2"), ("d", "test", "z", "3")
    ) == [
        ("b", "cannot be read: no image", 1),
        ("c", "its class, y, has no sample that can be trained on", 2),
        ("d", "its class, z, has no sample to train on", 3),
        ("y", "a class without a sample to train on", -1),
    ]


def test_of_duplicates_across_parts_the_test_image_stays() -> None:
    rows = (("a", "train", "x", "1"), ("b", "test", "x", "1"), ("c", "validation", "x", "1"), ("d", "train", "x", "2"))
    assert _find(*rows) == [
        ("a", "in train; the same content as b, in test", 0),
        ("c", "in validation; the same content as b, in test", 2),
    ]


def test_one_image_is_of_one_class() -> None:
    assert _find(("a", "train", "x", "1"), ("b", "train", "y", "1"), ("c", "train", "y", "2")) == [
        ("b", "of class y; the same content as a, of class x", 1)
    ]
