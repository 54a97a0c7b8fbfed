"""Labels and numbers as lists and arrays say them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.records import example, write
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import arrays, manifest, tfrecord
from trainer.data.lists.split import split
from trainer.data.lists.targets import target_of
from trainer.data.lists.targets.target import array_strata, counts_of
from trainer.errors import UsageError

_IMAGE = b"\x89PNG"


def _listed(folder: Path, target: str, content: str, name: str = "m.csv") -> tuple[tuple[str, ...], list[Any]]:
    """Returns the names and the targets of a manifest."""
    path = folder / name
    path.write_text(content)
    reader = target_of(target)
    entries = manifest.read(path, str(path), Path, target=reader)
    names = reader.names(entries)
    return names, reader.encoded(entries, names).tolist()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("image,label\na,red;round\nb,\nc, round |red\nd,round\n", "m.csv"),
        (
            'image,label\na,"[""red"", ""round""]"\nb,[]\nc,"[\'round\', \'red\']"\nd,"[""round""]"\n',  # as pandas too
            "m.csv",
        ),
        (
            '{"image": "a", "label": ["red", "round"]}\n{"image": "b", "labels": []}\n'
            '{"image": "c", "label": "round;red"}\n{"image": "d", "label": ["round", "round"]}\n',
            "m.jsonl",
        ),
        (
            '{"imageGcsUri": "a", "classificationAnnotations": [{"displayName": "red"}, {"displayName": "round"}]}\n'
            '{"imageGcsUri": "b", "label": []}\n'
            '{"imageGcsUri": "c", "classificationAnnotations": [{"displayName": "round"}, {"displayName": "red"}]}\n'
            '{"imageGcsUri": "d", "classificationAnnotation": {"displayName": "round"}}\n',
            "m.jsonl",
        ),
    ],
)
def test_a_list_says_labels(tmp_path: Path, content: str, name: str) -> None:
    assert _listed(tmp_path, "labels", content, name) == (("red", "round"), [[1, 1], [0, 0], [1, 1], [0, 1]])


@pytest.mark.parametrize(
    ("content", "name", "names"),
    [
        ("image,label\na,1.5\nb,-2\n", "m.csv", ("label",)),
        ("image,note,angle\na,x,1.5\nb,y,-2\n", "m.csv", ("angle",)),
        ('{"image": "a", "label": 1.5}\n{"image": "b", "label": "-2"}\n', "m.jsonl", ("label",)),
        ('{"image": "a", "turn": 1.5}\n{"image": "b", "turn": -2}\n', "m.jsonl", ("turn",)),
    ],
)
def test_a_list_says_a_number(tmp_path: Path, content: str, name: str, names: tuple[str, ...]) -> None:
    assert _listed(tmp_path, "numbers", content, name) == (names, [[1.5], [-2]])


@pytest.mark.parametrize(
    ("content", "name", "names"),
    [
        ("image,label\na,1;2.5\nb,3 4\n", "m.csv", ("label_1", "label_2")),
        ("image,split,x,y\na,train,1,2.5\nb,test,3,4\n", "m.csv", ("x", "y")),
        ('{"image": "a", "label": [1, 2.5]}\n{"image": "b", "label": [3, 4]}\n', "m.jsonl", ("label_1", "label_2")),
    ],
)
def test_a_list_says_several_numbers(tmp_path: Path, content: str, name: str, names: tuple[str, ...]) -> None:
    assert _listed(tmp_path, "numbers", content, name) == (names, [[1, 2.5], [3, 4]])


@pytest.mark.parametrize(
    ("target", "cell", "message"),
    [
        ("labels", "red;;round", "line 3: `label` must be labels, separated by `;` or `|`: names or whole numbers. "),
        ("labels", "red;nan", "with a missing value"),
        ("labels", '"[1.5, 2]"', "`label` must be a list of labels: names or whole numbers. Received: [1.5, 2]"),
        ("labels", "[red]", "`label` must be labels, .*Received: [red], with several values"),
        ("labels", '"red,round"', "line 3: `label` must be labels, separated by `;` or `|`. Received: red,round; "),
        ("numbers", "nan", "line 3: `label` must be a finite number of at most 3e38. Received: nan"),
        ("numbers", "1e39", "Received: 1e39"),
        ("numbers", "cat", "Received: cat"),
        ("numbers", "", "line 3: must have `label`. "),
        ("numbers", "1;2", "line 3: .*b: must have as many numbers as .*m.csv, line 2: .*a, 1. Received: 2"),
        ("auto", "blue;green", "unless `--target=labels` reads several labels. .*`--target=classes` reads it as one"),
        ("auto", "red;green", "red is a class too, .*; `--target=labels` trains on several labels a sample"),
        ("auto", "2.5", "a fraction; `--target=numbers` trains on real numbers"),
        ("auto", '"[1, 2]"', "several values; `--target=labels` trains on several labels a sample"),
    ],
)
def test_rejects_cells_and_says_the_other_reading(tmp_path: Path, target: str, cell: str, message: str) -> None:
    first = "7" if target == "numbers" else "red"
    with pytest.raises(UsageError, match=message.replace("|", r"\|").replace("[", r"\[")):
        _listed(
            tmp_path,
            target,
            f"image,label\na,{first}\nb,{cell}\nc,{first}\nd,round\n"
            if target == "labels"
            else f"image,label\na,{first}\nb,{cell}\n",
        )


def test_several_names_in_a_cell_are_one_class_if_the_flag_says_so(tmp_path: Path) -> None:
    assert _listed(tmp_path, "classes", "image,label\na,red;green\nb,blue\n")[0] == ("blue", "red;green")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("numbers", "must have `label`, or other columns of numbers. Received: note"),
        ("classes", "must have one column `label`. .*; `--target=numbers` trains on other columns, of numbers"),
    ],
)
def test_rejects_a_list_without_a_column(tmp_path: Path, target: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _listed(tmp_path, target, "image,note\na,b\n")


@pytest.mark.parametrize(
    ("target", "values", "expected"),
    [
        ("labels", [["cat", "dog"], "dog", []], (("cat", "dog"), [[1, 1], [0, 1], [0, 0]])),
        ("labels", [[4, 7], 7, [4]], (("4", "7"), [[1, 1], [0, 1], [1, 0]])),
        ("labels", [[0, 1, 1], [0, 0, 1], [1, 0, 1]], (("0", "1", "2"), [[0, 1, 1], [0, 0, 1], [1, 0, 1]])),
        ("numbers", [0.5, -1.0, 3.0], (("label",), [[0.5], [-1], [3]])),
        ("numbers", [[0.5, 1.0], [2.0, 3.0], [4.0, 5.0]], (("label_1", "label_2"), [[0.5, 1], [2, 3], [4, 5]])),
    ],
)
def test_records_say_lists(tmp_path: Path, target: str, values: list[Any], expected: tuple[Any, Any]) -> None:
    write(tmp_path / "a.tfrecord", [example(image=_IMAGE, label=value) for value in values])
    reader = target_of(target)
    entries = tfrecord.read(tmp_path, target=reader)
    names = reader.names(entries)
    assert (names, reader.encoded(entries, names).tolist()) == expected


def _arrays(folder: Path, target: str, **content: Any) -> arrays.Given:
    np.savez(folder / "a.npz", **content)
    return arrays.read(folder / "a.npz", "a.npz", SampleOptions(), lambda line: None, target_of(target))


_X = np.zeros((4, 12, 12), np.uint8)
_MANY = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize("target", ["auto", "labels"])
def test_an_array_of_zeros_and_ones_has_labels(tmp_path: Path, target: str) -> None:
    found = _arrays(tmp_path, target, x=_X, y=_MANY, class_names=np.array(["a", "b", "c"]))
    assert (found.target, found.class_names) == ("labels", ("a", "b", "c"))
    np.testing.assert_array_equal(found.parts["train"][1], _MANY)


def test_an_array_of_numbers_has_numbers(tmp_path: Path) -> None:
    found = _arrays(tmp_path, "numbers", x=_X, y=np.array([0.5, 1, 2, 3]))
    assert (found.target, found.class_names) == ("numbers", ("number",))
    np.testing.assert_array_equal(found.parts["train"][1], [[0.5], [1], [2], [3]])


@pytest.mark.parametrize(
    ("target", "content", "message"),
    [
        ("auto", {"y": np.array([0.5, 1, 2, 3])}, "must be whole numbers. Received: 0.5, .*`--target=numbers`"),
        ("auto", {"y": np.eye(4)}, "one-hot vectors; .*`--target=labels` reads them as labels"),
        ("labels", {"y": 2 * _MANY}, "`y` must contain 0 or 1. Received: 2"),
        ("labels", {"y": _MANY[:, 0]}, "`y` must contain 0 or 1 for each sample and label"),
        ("labels", {"y": _MANY, "classes": np.array(["a", "b"])}, "must name each of the 3 columns"),
        ("labels", {"y": _MANY * [1, 1, 0]}, "`y` must have a sample of each label. Received: none of 2"),
        ("numbers", {"y": np.array([0.5, np.nan, 2, 3])}, "finite numbers .*Received: nan, of sample 1"),
        ("numbers", {"y": np.ones(4)}, "two different values of `number` in the training part. Received: 1 for all"),
        ("numbers", {"y": np.array(["a", "b", "c", "d"])}, "must contain numbers, as "),
    ],
)
def test_rejects_arrays(tmp_path: Path, target: str, content: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _arrays(tmp_path, target, x=_X, **content)


def test_rare_labels_stay_in_the_training_part_and_are_in_the_others(tmp_path: Path) -> None:
    rows = [f"{index},{'common;rare' if index % 10 == 0 else 'common'}" for index in range(300)]
    (tmp_path / "m.csv").write_text("image,label\n" + "\n".join(rows))
    reader = target_of("labels")
    entries = manifest.read(tmp_path / "m.csv", str(tmp_path / "m.csv"), Path, target=reader)
    parted = split(entries, 0.1, strata=reader.strata)
    rare = [entry.part for entry in parted if "rare" in json.loads(entry.label)]
    assert {"train", "validation", "test"} == {*rare}
    reader.check(parted, reader.names(parted), "an image", ("train",))


def test_strata_and_counts_of_arrays() -> None:
    assert array_strata(np.array([2, 0])).tolist() == [2, 0]
    assert array_strata(np.array([[1, 0], [1, 1], [0, 0]], np.float32)).tolist() == [1, 2, 0]
    assert array_strata(np.array([[0.5], [1]], np.float32)).tolist() == [0, 0]
    assert counts_of(np.array([1, 1]), 3) == [0, 2, 0]
    assert counts_of(np.array([[1, 0], [1, 1]], np.float32), 2) == [2, 1]
    assert counts_of(np.array([[0.5], [1]], np.float32), 1) == []
