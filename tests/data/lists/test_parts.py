from pathlib import Path

import pytest

from trainer.data.lists import parts
from trainer.errors import UsageError

ROOT = Path("d")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train-00000-of-00010", "train"),
        ("validation-00000-of-00010.tfrecord", "validation"),
        ("flowers-train.tfrecord-00000-of-00001", "train"),
        ("flowers-test.tfrecord-00000-of-00001", "test"),
        ("crash_test-train.tfrecord-00000-of-00001", "train"),
        ("photos_train.tfrecord", "train"),
        ("photos_val.tfrecord", "validation"),
        ("train_0.tfrecord", "train"),
        ("test1.tfrecords", "test"),
        ("val2017.tfrecord", "validation"),
        ("data.train.tfrecords", "train"),
        ("trainset.tfrecord", "train"),
        ("testdata.csv", "test"),
        ("photosTrain.tfrecord", "train"),
        ("MNISTTest.tfrecord", "test"),
        ("TRAIN.tfrecord", "train"),
        ("photos-dev-00000-of-00002.tfrecord", "validation"),
        ("VOC_trainval.tfrecord", "train"),
        ("train/part-00000-of-00002.tfrecord", "train"),
        ("train/train-00000-of-00002.tfrecord", "train"),
        ("contest.tfrecord", ""),
        ("trains.tfrecord", ""),
        ("latest-00000-of-00001", ""),
        ("étrain.tfrecord", ""),
        ("00-224x224-798.tfrec", ""),
    ],
)
def test_names_say_parts(name: str, part: str) -> None:
    assert parts.named(ROOT / name, ROOT) == part


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "crash_test_train.tfrecord",
            "one of train, validation, test. Received: test and train",
        ),
        (
            "train/photos_val.tfrecord",
            "one of train, validation, test. Received: train and val",
        ),
        ("eval.tfrecord", "eval can mean two of them. Received: eval.tfrecord"),
        ("photos_holdout.csv", "holdout can mean two of them. Received: photos_holdout.csv"),
    ],
)
def test_rejects_names_that_are_not_clear(name: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parts.named(ROOT / name, ROOT)
    assert str(error.value).startswith(f"d/{name}: a name must contain ")
    assert message in str(error.value)


def test_all_names_say_a_part_or_none_does() -> None:
    assert parts.of_files([ROOT / "cats.tfrecord", ROOT / "dogs.tfrecord"], ROOT) == ["", ""]
    with pytest.raises(UsageError, match="d/extra.csv: .* must contain train, .*, as train.csv does. Received: extra"):
        parts.of_files([ROOT / "extra.csv", ROOT / "train.csv"], ROOT)


@pytest.mark.parametrize(
    ("word", "part"), [("dev", "validation"), (" TestSet ", "test"), ("unassigned", ""), ("", ""), ("eval", None)]
)
def test_words_of_lists(word: str, part: str | None) -> None:
    assert parts.part_of(word) == part
