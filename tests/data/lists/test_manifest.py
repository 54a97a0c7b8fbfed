import json
import re
from collections.abc import Mapping, Sequence
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
        ("m.csv", "", "must list a sample. Received: none"),
        ("m.csv", "image,label\n", "must list a sample. Received: none"),
        ("m.csv", "m/cat/0.png,cat\nm/dog/0.png,dog\n", "must have one column `image`. Received: m/cat/0.png, cat"),
        ("m.csv", "image,kind\na,b\n", "must have one column `label`. Received: image, kind"),
        ("m.csv", "image,path,label\na,b,c\n", "must have one column `image`. Received: image, path, label"),
        ("m.csv", "image,label\na,b\na\n", "line 3: must have 2 columns. Received: 1"),
        ("m.csv", "image,label\na,\n", "line 2: must have `label`. Received: {'image': 'a', 'label': ''}"),
        (
            "m.csv",
            "image,label,split\na,b,maybe\n",
            "line 2: `split` must be one of train, validation, test. Received: maybe",
        ),
        (
            "m.csv",
            "filepaths,labels,label\na,b,c\n",
            "must have one column `label`. Received: filepaths, labels, label",
        ),
        ("m.csv", "image,label,class\na,b,c\n", "must have one column `label`. Received: image, label, class"),
        ("m.csv", "image,label,split,set\na,b,,\n", "must have one column `split`. Received: image, label, split, set"),
        ("m.csv", "image;label\na;b;c\n", "line 2: must have 2 columns. Received: 3"),
        ("m.csv", "image,label\n\na,b\nimage,label\nc,d\n", "line 4: must be a sample. Received: the header again"),
        ("m.csv", "image,label\na,b\nImage, LABEL\nc,d\n", "line 3: must be a sample. Received: the header again"),
        ("m.csv", "image,label\na,b\nfile,class\nc,d\n", "line 3: must be a sample. Received: the header again"),
        ("m.jsonl", f'{{"image": "a", "label": {"9" * 5000}}}', "a number of more digits than can be read"),
        ("m.csv", "image,label\na,b\0\n", "line 2: must be text. Received: a NUL character"),
        (
            "m.csv",
            "image,label,Usage\na,b,Training\nc,b,PublicTest\n",
            "of the parts must be named `split`. Received: Usage",
        ),
        ("m.jsonl", '{"image": "a", "label": "b"}\n{"image"', "line 2: must be JSON. Received: "),
        ("m.jsonl", "[1]", "line 1: must be an object. Received: list"),
        ("m.jsonl", "[" * 100_000, "line 1: must be JSON. Received: maximum recursion depth exceeded"),
        (
            "m.jsonl",
            '{"image": "a", "label": "b", "label": "c"}',
            "line 1: must be JSON. Received: an object with two fie",
        ),
        (
            "m.jsonl",
            '{"image": "a", "class": "b", "label": 1}',
            "line 1: must have one field `label`. Received: class, lab",
        ),
        (
            "m.jsonl",
            '{"image": "a", "path": "b", "label": 1}',
            "line 1: must have one field `image`. Received: image, path",
        ),
        (
            "m.jsonl",
            '{"image": "a", "label": "b", "classificationAnnotation": {"displayName": "c"}}',
            "line 1: must have one field `label`. Received: label, classificationAnnotation.displayName",
        ),
        ("m.jsonl", '{"image": 5, "label": "b"}', "line 1: `image` must be a text. Received: 5"),
        ("m.jsonl", '{"image": "a", "label": "b", "split": true}', "line 1: `split` must be a text. Received: true"),
        ("m.jsonl", '{"image": "a", "label": null}', "line 1: must have `label`. Received: {'image': 'a'}"),
    ],
)
def test_rejects_lines_that_break_a_rule(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        _read(tmp_path, name, text)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/{name}")


def _rejects(folder: Path, name: str, text: str) -> str:
    with pytest.raises(UsageError) as error:
        _read(folder, name, text)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


ROWS = [f"{index}.png,{'cat' if index < 20 else 'dog'}" for index in range(40)]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({5: '5.png,"cat'}, 7),  # never closed: a third of the rows would be one class
        ({5: '5.png,"cat', 9: '9.png,"cat'}, 7),  # closed by the next stray one
        ({5: '5.png,"cat', 9: '9.png,cat"'}, 7),
        ({5: '"5.png,cat', 6: '6.png,cat"'}, 7),
        ({5: '5.png,cat"'}, 7),
        ({5: '5.png,5" nail'}, 7),
        ({5: '5.png,"a"b'}, 7),
        ({5: '5.png,"say "hi""'}, 7),
        ({39: '39.png,"dog'}, 41),
        ({3: '3.png,"two\nlines"', 5: '5.png,"cat'}, 8),
    ],
)
def test_rejects_stray_quotation_marks_with_their_line(tmp_path: Path, changed: dict[int, str], line: int) -> None:
    rows = [changed.get(index, row) for index, row in enumerate(ROWS)]
    first = next(reversed(changed.values())) if line == 8 else next(iter(changed.values()))
    assert _rejects(tmp_path, "m.csv", "\n".join(["image,label", *rows])) == (
        f"{tmp_path}/m.csv, line {line}: must close a quotation mark in the same cell, and double it inside text. "
        f"Received: {first}"
    )


@pytest.mark.parametrize(
    "text",
    [
        'image,label\n"a, b.png","say ""hi"""\nc.png,"two\r\nlines"\n',
        'image;label\n"a, b.png";"say ""hi"""\nc.png;"two\nlines"\n;\n\n',
        'sep=,\r\nimage, label\r\n"a, b.png", "say ""hi"""\r\nc.png,"two\nlines" \r\n'.replace('" \r', '"\r'),
        'path\tclass\ta\na, b.png\t"say ""hi"""\t\nc.png\t"two\nlines"\t1\n \n',
        'path|class\r"a, b.png"|"say ""hi"""\rc.png|"two\rlines"\r',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_what_spreadsheets_write(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "m.csv").write_bytes(text.encode(encoding))
    entries = manifest.read(tmp_path / "m.csv", "m.csv", _no_bucket)
    assert [(entry.name, entry.label) for entry in entries] == [("a, b.png", 'say "hi"'), ("c.png", "two\nlines")]


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_classes_that_look_the_same_are_one(tmp_path: Path, name: str) -> None:
    labels = ["caf\u00e9", "cafe\u0301", "café ", "caf\u00e9\u200b"]
    rows = [{"image": f"{index}.png", "label": label} for index, label in enumerate(labels)]
    is_csv = name.endswith("csv")
    lines = ["image,label", *(",".join(row.values()) for row in rows)] if is_csv else map(json.dumps, rows)
    assert {entry.label for entry in _read(tmp_path, name, "\n".join(lines))} == {"caf\u00e9"}


MISSING = (
    *("nan", "NaN", "-nan", "None", "NULL", "null", "<NA>", "N/A", "n/a", "#N/A", "NA", "NaT", "?", "\\N"),
    *("#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#SPILL!", "1.#QNAN"),
)
FOLDER = "; only class folders can have this name"
CONTROL = "a control character; the name of a class must be printable"


@pytest.mark.parametrize(
    ("label", "received"),
    [
        ("1.0", "1.0, a fraction"),
        (".73", ".73, a fraction"),
        ("-2.5e-3", "-2.5e-3, a fraction"),
        ("0 1 0", "0 1 0, several values"),
        ("1;2", "1;2, several values"),
        ('"0,1,0"', "0,1,0, several values"),
        ("[0]", "[0], several values"),
        ("1.0 0.0", "1.0 0.0, several values"),
        ('"0.,1e0"', "0.,1e0, several values"),
        ("-1 1", "-1 1, several values"),
        *((text, f"{text}, a fraction") for text in ("1e0", "1e-3", "1E5", "1.", "+.5")),
        *((text, f"{text}, a number that is not finite") for text in ("inf", "-inf", "Infinity")),
        *((text, f"{text}, a number with a sign") for text in ("-1", "+1", "\u22121")),
        *((f'"{text}"', f"{text}, several values") for text in ("(0, 1)", "{0, 1}", "[[0 1]]", "[[0, 1], [1, 0]]")),
        *((f'"{text}"', f"{text}, several values") for text in ("array([0, 1])", "tensor(1)", "(1 0)", "np.int64(1)")),
        *((text, f"{text}, a missing value{FOLDER}") for text in MISSING),
        ("cat\x1b[31m", f"cat\\x1b[31m, {CONTROL}"),
        ("cat\x07", f"cat\\x07, {CONTROL}"),
        ("\"['cat', 'dog']\"", "['cat', 'dog'], several values"),
    ],
)
def test_rejects_cells_that_are_no_single_class(tmp_path: Path, label: str, received: str) -> None:
    rule = "`label` must be one class: a name or a whole number. Received: "
    message = f"{tmp_path}/m.csv, line 3: {rule}{received}{_hint(received)}"
    assert _rejects(tmp_path, "m.csv", f"image,label\na,cat\nb,{label}\n") == message


@pytest.mark.parametrize(
    ("label", "received"),
    [
        ("1.0", "1.0"),
        ("true", "true"),
        ('["cat"]', '["cat"]'),
        ("[0, 1]", "[0, 1]"),
        ("NaN", "NaN"),
        ('{"a": 1}', '{"a": 1}'),
        ('"[0, 1]"', "[0, 1], several values"),
        ('"0.5"', "0.5, a fraction"),
        ("-1", "-1, a number with a sign"),
        ('"-1"', "-1, a number with a sign"),
        *((json.dumps(text), f"{text}, a missing value{FOLDER}") for text in MISSING),
        ('"\\u0000\\u0001"', f"\\x00\\x01, {CONTROL}"),
    ],
)
def test_rejects_values_that_are_no_single_class(tmp_path: Path, label: str, received: str) -> None:
    text = f'{{"image": "a", "label": 1}}\n{{"image": "b", "label": {label}}}'
    assert _rejects(tmp_path, "m.jsonl", text) == (
        f"{tmp_path}/m.jsonl, line 2: `label` must be one class: a name or a whole number. Received: {received}"
        + _hint(received)
    )


def _hint(received: str) -> str:
    """Returns what the message adds where another target may be meant."""
    if received.endswith(("a fraction", "a number with a sign")) or received == "1.0":
        return "; `--target=numbers` trains on real numbers"
    is_list = received.endswith("several values") or received.startswith("[")
    return "; `--target=labels` trains on several labels a sample" if is_list else ""


ONE = "`label` must be one class. Received: "
LABELS = "; `--target=labels` trains on several labels a sample"


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        (
            ["cat", "dog", "cat|dog"],
            "line 4: `label` must be one class. Received: cat|dog; cat is a class too, in {2}" + LABELS,
        ),
        (
            ["cat;dog", "bird;cat"],
            "line 3: `label` must be one class. Received: bird;cat; cat is a class too, in {2}" + LABELS,
        ),
        (
            ["dog", '"dog, cat"', "cat"],
            "line 3: `label` must be one class. Received: dog, cat; dog is a class too, in {2}",
        ),
        *(
            (["dog", f"cow{by}dog", "cow"], f"line 3: {ONE}cow{by}dog; cow is a class too, in {{4}}")
            for by in ("/", " / ", " & ", "+", " and ", "\u3001", "\uff0c", " ", "-", "_", " or ", "\\")
        ),
        (["dog", "cow/dog", "ox/cow"], f"line 3: {ONE}cow/dog; dog is a class too, in {{2}}"),
        (["dog", "(cow dog)", "cow"], f"line 3: {ONE}(cow dog); cow is a class too, in {{4}}"),
        (["dog", "dog;"], f"line 3: {ONE}dog;; dog is a class too, in {{2}}{LABELS}"),
        (["dog", "cow", "ox|dog|"], f"line 4: {ONE}ox|dog|; dog is a class too, in {{2}}{LABELS}"),
    ],
)
def test_rejects_several_classes_in_one_text(tmp_path: Path, labels: list[str], received: str) -> None:
    rows = [f"{index},{label}" for index, label in enumerate(labels)]
    message = re.sub(r"\{(\d)\}", rf"{tmp_path}/m.csv, line \1", received)
    assert _rejects(tmp_path, "m.csv", "\n".join(["image,label", *rows])) == f"{tmp_path}/m.csv, {message}"


@pytest.mark.parametrize(
    "labels",
    [
        ["cat|small", "dog"],
        ["maillot", "maillot, tank suit"],
        ["a/b", "[red]x[/red]"],
        ["sea", "sea lion"],
        ["rock/pop", "jazz"],
        ["front/left", "front/right", "back/left", "back/right"],
        ["C", "C++", "C/C++ tool"],
        ["none", "other"],
        ["5-7", "v1.2 3"],
        ["a", "a+"],
        ["(other)", "f(x)", "(it's)"],
        ["1-0", "2-0"],
        ["100", "010", "111"],
        ["10", "1"],
        ["007", "7"],
        ["a\tb", "a"],
    ],
)
def test_texts_that_may_be_one_class_are(tmp_path: Path, labels: list[str]) -> None:
    rows = [f'{index},"{label}"' for index, label in enumerate(labels)]
    assert [entry.label for entry in _read(tmp_path, "m.csv", "\n".join(["image,label", *rows]))] == labels


@pytest.mark.parametrize(
    "labels", [["1/0", "0/1"], ["1-0-0", "0-1-0"], ["1:0", "0:1"], ["1_0", "0_1"], ["100", "010", "001"], ["01", "10"]]
)
@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_rejects_one_hot_labels(tmp_path: Path, name: str, labels: list[str]) -> None:
    lines = [json.dumps({"image": str(index), "label": label}) for index, label in enumerate(labels)]
    rows = ["image,label", *(f"{index},{label}" for index, label in enumerate(labels))]
    assert f"Received: {labels[0]}, a one-hot vector, as all labels are" in _rejects(
        tmp_path, name, "\n".join(rows if name == "m.csv" else lines)
    )


def test_labels_of_several_files_are_of_one_list(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("image,label\na,cat\nb,dog\n")
    (tmp_path / "test.csv").write_text("image,label\nc,cat/dog\n")
    with pytest.raises(UsageError, match=r"test.csv, line 2: .*cat/dog; cat is a class too, in .*/train.csv, line 2"):
        manifest.read_parts([tmp_path / "train.csv", tmp_path / "test.csv"], str(tmp_path), _no_bucket, pytest.fail)


def _listed(name: str, columns: Mapping[str, Sequence[object]]) -> str:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = [",".join(map(str, row.values())) for row in rows]
    return "\n".join([",".join(columns), *lines] if name == "m.csv" else map(json.dumps, rows))


LABELS = {"image": [*"abcdef"], "label": ["cat", "dog"] * 3}


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
@pytest.mark.parametrize(
    "other", ["target", "y", "label.1", "label2", "class_id", "label_name", "Category ID", "className", "labels_gt"]
)
def test_a_column_that_may_be_the_label_repeats_it_or_is_refused(tmp_path: Path, name: str, other: str) -> None:
    kind = "column" if name == "m.csv" else "field"
    for values in ([0, 0, 1, 1, 0, 1], [0] * 6, ["", "", "cat", "", "", ""]):
        message = _rejects(tmp_path, name, _listed(name, {**LABELS, other: values}))
        assert message.startswith(f"{tmp_path}/{name}: must have one {kind} `label`. Received: also {other}, which ")
    lines: list[str] = []
    for values in ([0, 1] * 3, ["cat", "dog"] * 3, [""] * 6):
        (tmp_path / name).write_text(_listed(name, {**LABELS, other: values}))
        assert len(manifest.read(tmp_path / name, name, _no_bucket, log=lines.append)) == 6
    assert lines == [f"{name}: {other} is another name of `label` and is ignored"] * 2


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
@pytest.mark.parametrize(
    ("other", "values"),
    [
        ("is_test", [0, 0, 0, 0, 1, 1]),
        ("isTrain", ["True", "False"] * 3),
        ("validation", ["yes", "no"] * 3),
        ("subset", ["train", "val"] * 3),
        ("group", ["test", "val"] * 3),
        ("Usage", ["Training", "PublicTest"] * 3),
        ("", ["train", "test"] * 3),
    ],
)
def test_parts_are_said_by_the_split_alone(tmp_path: Path, name: str, other: str, values: list[object]) -> None:
    kind = "column" if name == "m.csv" else "field"
    message = _rejects(tmp_path, name, _listed(name, {**LABELS, other: values}))
    shown = other or f"a {kind} without a name"
    assert message == f"{tmp_path}/{name}: the {kind} of the parts must be named `split`. Received: {shown}"
    split = ["train", "train", "val", "val", "test", "test"]
    assert len(_read(tmp_path, name, _listed(name, {**LABELS, other: values, "split": split}))) == 6


def test_says_which_groups_are_not_used(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "m.csv").write_text(_listed("m.csv", {**LABELS, "fold": [0, 1, 2] * 2, "note": range(6)}))
    manifest.read(tmp_path / "m.csv", "m.csv", _no_bucket, log=lines.append)
    assert lines == ["m.csv: fold is ignored; only a column `split` gives the parts"]


@pytest.mark.parametrize("key", [USE, "ml_use", "ML_USE", "split"])
def test_reads_the_use_of_vertex_with_and_without_its_prefix(tmp_path: Path, key: str) -> None:
    line = {"image": "a", "label": "b", "dataItemResourceLabels": {key: "test", "camera": "5"}}
    assert _read(tmp_path, "m.jsonl", json.dumps(line))[0].part == "test"


def test_finds_files_whose_names_look_the_same(tmp_path: Path) -> None:
    (tmp_path / "cafe\u0301.png").touch()
    (tmp_path / "tu\u0308r.png").touch()
    entries = _read(tmp_path, "m.csv", "image,label\ncaf\u00e9.png,a\ntu\u0308r.png,b\nn\u00e9.png,b\n")
    assert [Path(entry.file).name for entry in entries] == ["cafe\u0301.png", "tu\u0308r.png", "n\u00e9.png"]
    assert [Path(entry.name).name for entry in entries] == ["caf\u00e9.png", "tu\u0308r.png", "n\u00e9.png"]


def test_an_image_that_is_listed_again_counts_once(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "m.csv").write_text("image,label\na,cat\nb,dog\n./a,cat\na,dog\n")
    entries = manifest.read(tmp_path / "m.csv", "m.csv", _no_bucket, log=lines.append)
    assert [(entry.name, entry.label) for entry in entries] == [("a", "cat"), ("b", "dog"), ("a", "dog")]
    assert lines == ["m.csv: 1 of 4 lines repeat a sample, which counts once"]
    assert _rejects(tmp_path, "m.csv", "image,label,split\na,cat,train\na,cat,test\n") == (
        f"{tmp_path}/m.csv, line 3: a sample must be in one part. "
        f"Received: {tmp_path}/a in test, and in train in {tmp_path}/m.csv, line 2"
    )


@pytest.mark.parametrize("again", ["{folder}/a.png", "./a.png", "b/../a.png", "link.png", "hard.png"])
def test_one_file_is_in_one_part_however_it_is_written(tmp_path: Path, again: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "hard.png").hardlink_to(tmp_path / "a.png")
    text = f"image,label,split\na.png,cat,train\n{again.format(folder=tmp_path)},cat,test\n"
    assert "line 3: a sample must be in one part" in _rejects(tmp_path, "m.csv", text)


def test_names_are_the_same_where_the_folder_has_moved(tmp_path: Path) -> None:
    names = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        (folder / "m").mkdir(parents=True)
        for index in range(4):
            (folder / f"m/{index}.png").touch()
        rows = ["m/0.png", "./m/1.png", f"{folder}/m/2.png", f"{folder}/m/../m/3.png"]
        text = "image,label\n" + "".join(f"{row},{index % 2}\n" for index, row in enumerate(rows))
        names.append([entry.name for entry in _read(folder, "m.csv", text)])
    assert names == [["m/0.png", "m/1.png", "m/2.png", "m/3.png"]] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"image,label\n\xff\xfe,b\n", "m.csv, line 2: must be UTF-8. Received: the byte 0xff"),
        (
            b"image,label\n" + b"a,b\n" * 9999 + "a,café\n".encode("latin-1"),
            "line 10001: must be UTF-8. Received: the byte",
        ),
        ("image,label\na,b\n".encode("utf-16")[:-1], "m.csv, line 2: must be UTF-16. Received: a part of a character"),
        (
            "image,label\n".encode("utf-16") + b"\x00\xd8a\x00",
            "m.csv, line 2: must be UTF-16. Received: a part of a character",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "m.csv: must be a manifest. Received: a Git LFS pointer; `git lfs pull` fetches the file",
        ),
        ("image,label\na,b\n".encode("utf-16-le"), "m.csv, line 1: must be text. Received: a NUL character"),
    ],
)
def test_rejects_what_is_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(UsageError, match=message):
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
        ("csv", "`--data=managed` must be used with files of the split train. Received: gs://b/training-*"),
    ],
)
def test_rejects_managed_data_that_is_not_there(tmp_path: Path, format: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        manifest.read_managed(Managed(format, {"train": "gs://b/training-*"}), lambda location: tmp_path)
    assert str(error.value) == message
