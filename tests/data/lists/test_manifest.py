import json
from pathlib import Path

import pytest

from trainer.data.lists import manifest
from trainer.data.lists.entries import Entry
from trainer.data.lists.manifest import Managed
from trainer.errors import UsageError

USE = "aiplatform.googleapis.com/ml_use"


def _read(folder: Path, name: str, text: str) -> list[Entry]:
    (folder / name).write_text(text, encoding="utf-8")
    return manifest.read(folder / name, f"{folder}/{name}", _no_bucket)


def _no_bucket(location: str) -> Path:
    raise AssertionError(location)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", "image,label,split\na b.png,cat,train\nd/ö.png,dog,val\n/x.png,cat,\n"),
        (
            "m.csv",
            "\ufefflabel,ML_USE,more,path\r\ncat,TRAIN,1,a b.png\r\n\r\ndog,Validation,,d/ö.png\r\ncat,,,/x.png\r\n",
        ),
        (
            "m.jsonl",
            '{"image": "a b.png", "label": "cat", "split": "training"}\n\n'
            '{"label": "dog", "image": "d/ö.png", "split": "validation", "box": [1, 2]}\n'
            '{"image":"/x.png","label":"cat"}',
        ),
    ],
)
def test_reads_rows(tmp_path: Path, name: str, text: str) -> None:
    assert _read(tmp_path, name, text) == [
        Entry(f"{tmp_path}/a b.png", "cat", "a b.png", "train"),
        Entry(f"{tmp_path}/d/ö.png", "dog", "d/ö.png", "validation"),
        Entry("/x.png", "cat", "/x.png", ""),
    ]


def test_numbers_are_class_names_too(tmp_path: Path) -> None:
    assert _read(tmp_path, "m.jsonl", '{"image": "a", "label": 7}')[0].label == "7"


VERTEX = (
    "TEST,gs://b/p/one.png,cat\ntraining,gs://b/p/q/two.png,dog\nUNASSIGNED,gs://b/p/three.png,cat\n",
    "\n".join(
        json.dumps(
            {
                "imageGcsUri": f"gs://b/p/{name}.png",
                "classificationAnnotation": {"displayName": label, "annotationResourceLabels": {"a/b": "c"}},
                "dataItemResourceLabels": {USE: part} if part else {},
            }
        )
        for name, label, part in (("one", "cat", "test"), ("q/two", "dog", "training"), ("three", "cat", ""))
    ),
)


@pytest.mark.parametrize(("name", "text"), [("m.csv", VERTEX[0]), ("m.jsonl", VERTEX[1])])
def test_reads_vertex_import_schema_and_fetches_each_folder_once(tmp_path: Path, name: str, text: str) -> None:
    asked = []

    def fetch(location: str) -> Path:
        asked.append(location)
        return Path("/cache")

    (tmp_path / name).write_text(text)
    entries = manifest.read(tmp_path / name, f"gs://other/{name}", fetch)
    assert asked == ["gs://b/p"]
    assert [(entry.file, entry.label, entry.part) for entry in entries] == [
        ("/cache/one.png", "cat", "test"),
        ("/cache/q/two.png", "dog", "train"),
        ("/cache/three.png", "cat", ""),
    ]


def test_vertex_csv_may_leave_out_the_use(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("gs://b/p/one.png,cat\ngs://b/p/two.png,dog\n")
    entries = manifest.read(tmp_path / "m.csv", "m.csv", Path)
    assert [(entry.label, entry.part) for entry in entries] == [("cat", ""), ("dog", "")]


def test_relative_paths_are_relative_to_the_manifest_in_its_bucket(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("image,label\nimages/a.png,cat\n")
    (entry,) = manifest.read(tmp_path / "m.csv", "gs://b/data/m.csv", lambda location: Path("/cache") / location[5:])
    assert entry.file == "/cache/b/data/images/a.png"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.csv", "", "must list an image. Received: none"),
        ("m.csv", "image,label\n", "must list an image. Received: none"),
        ("m.csv", "image,kind\na,b\n", "must have one column `label`. Received: image, kind"),
        ("m.csv", "image,path,label\na,b,c\n", "must have one column `image`. Received: image, path, label"),
        ("m.csv", "image,label\na,b\na\n", "line 3: must have 2 columns. Received: 1"),
        ("m.csv", "image,label\na,\n", "line 2: must have `label`. Received: {'image': 'a', 'label': ''}"),
        (
            "m.csv",
            "image,label,split\na,b,maybe\n",
            "line 2: `split` must be one of train, validation, test. Received: maybe",
        ),
        ("m.jsonl", '{"image": "a", "label": "b"}\n{"image"', "line 2: must be JSON. Received: "),
        ("m.jsonl", "[1]", "line 1: must be an object. Received: list"),
        ("m.jsonl", '{"image": "a", "label": null}', "line 1: must have `label`. Received: {'image': 'a'}"),
    ],
)
def test_rejects_lines_that_break_a_rule(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        _read(tmp_path, name, text)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/{name}")


def test_rejects_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"image,label\n\xff\xfe,b\n")
    with pytest.raises(UsageError, match="must be UTF-8. Received: byte 12 is not"):
        manifest.read(tmp_path / "m.csv", "m.csv", _no_bucket)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_reads_what_vertex_manages_whatever_its_files_are_called(tmp_path: Path, format: str) -> None:
    parts = {"train": "training", "validation": "validation", "test": "test"}
    for word in parts.values():
        for number in range(2):
            annotations = [{"displayName": f"kind {number}"}]
            line = {"imageGcsUri": f"gs://b/i/{word}{number}.png", "classificationAnnotations": annotations}
            row = f"UNASSIGNED,gs://b/i/{word}{number}.png,kind {number}"
            (tmp_path / f"{word}-{number:05}").write_text(json.dumps(line) if format == "jsonl" else row)
    where = {part: f"gs://bucket/data/{word}-*" for part, word in parts.items()}
    folders = {"gs://bucket/data": tmp_path, "gs://b/i": Path("/cache")}
    entries = manifest.read_managed(Managed(format, where), lambda location: folders[location])
    assert [(entry.file, entry.label, entry.part) for entry in entries] == [
        (f"/cache/{word}{number}.png", f"kind {number}", part) for part, word in parts.items() for number in range(2)
    ]


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ("tfrecord", "`AIP_DATA_FORMAT` must be one of csv, jsonl. Received: tfrecord"),
        ("csv", "`--data=managed` must find the files of the part train. Received: gs://b/training-*"),
    ],
)
def test_rejects_managed_data_that_is_not_there(tmp_path: Path, format: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        manifest.read_managed(Managed(format, {"train": "gs://b/training-*"}), lambda location: tmp_path)
    assert str(error.value) == message
