"""`python -m trainer.evaluate` of a model of several labels."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from tests.evaluate.conftest import COUNT, exported
from tests.serving import models
from trainer.data import loading
from trainer.evaluate import __main__ as program
from trainer.objectives.labels import Labels

NAMES, THRESHOLDS = ("red", "round", "small"), (0.3, 0.5, 0.6)
IMAGES = models.pixels(COUNT, 7)
CONTENTS = models.encoded(IMAGES)
_MODEL = models.build()
_MODEL.layers[-1].set_weights([one / 20 for one in _MODEL.layers[-1].get_weights()])  # no probability is almost 1
LOGITS = tf.function(lambda batch: _MODEL(batch, training=False))(tf.constant(IMAGES, tf.float32)).numpy()
SHARES = tf.sigmoid(LOGITS).numpy()
_RANDOM = np.random.default_rng(3)
TRUE = np.where(
    _RANDOM.random(SHARES.shape) < 0.7, np.float32(THRESHOLDS) <= SHARES, _RANDOM.random(SHARES.shape) < 0.4
)
GIVEN = np.float32(THRESHOLDS) <= SHARES

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("labels") / "model", _MODEL, Labels(NAMES, THRESHOLDS), target="labels")


def _labels(index: int) -> list[str]:
    return [name for name, has in zip(NAMES, TRUE[index], strict=True) if has]


def _files(root: Path) -> None:
    root.mkdir()
    for index, content in enumerate(CONTENTS):
        (root / f"{index:02d}.png").write_bytes(content)


def _manifest(root: Path, **columns: list[str]) -> Path:
    _files(root)
    with (root / "list.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label", *columns])
        for index in range(COUNT):
            rows.writerow([f"{index:02d}.png", ";".join(_labels(index)), *(one[index] for one in columns.values())])
    return root / "list.csv"


def _json_lines(root: Path) -> Path:
    _files(root)
    lines = [json.dumps({"image": f"{index:02d}.png", "label": _labels(index)}) for index in range(COUNT)]
    (root / "list.jsonl").write_text("\n".join(lines))
    return root


def _npz(root: Path) -> Path:
    root.mkdir()
    np.savez(root / "a.npz", x=IMAGES, y=TRUE.astype(np.uint8)[:, ::-1], class_names=np.array(NAMES[::-1]))
    return root / "a.npz"


def _tfrecord(root: Path) -> Path:
    root.mkdir()
    with tf.io.TFRecordWriter(str(root / "a.tfrecord")) as writer:
        for index, content in enumerate(CONTENTS):
            names = [name.encode() for name in _labels(index)]
            feature = {
                "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[content])),
                "label": tf.train.Feature(bytes_list=tf.train.BytesList(value=names)),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return root


def _check(found: dict[str, Any]) -> None:
    precisions = metrics.average_precision_score(TRUE, SHARES, average=None)
    scores = metrics.precision_recall_fscore_support(TRUE, GIVEN, zero_division=0)
    assert found["samples"] == COUNT
    assert found["mean_average_precision"] == pytest.approx(precisions.mean(), abs=1e-6)
    low, high = found["mean_average_precision_interval"]
    assert low < precisions.mean() < high < low + 0.5
    assert found["macro_f1"] == pytest.approx(scores[2].mean())
    assert found["exact"] == pytest.approx(metrics.accuracy_score(TRUE, GIVEN))
    for number, one in enumerate(found["labels"]):
        assert (one["label"], one["samples"]) == (NAMES[number], scores[3][number])
        assert one["threshold"] == pytest.approx(THRESHOLDS[number])
        assert [one["precision"], one["recall"], one["f1"]] == pytest.approx([row[number] for row in scores[:3]])
        assert one["average_precision"] == pytest.approx(precisions[number], abs=1e-6)
        gaps = [
            bin_["samples"] / COUNT * abs(bin_["confidence"] - bin_["accuracy"])
            for bin_ in one["calibration"]
            if bin_["samples"]
        ]
        assert one["calibration_error"] == pytest.approx(sum(gaps))
    assert found["calibration_error"] == pytest.approx(np.mean([one["calibration_error"] for one in found["labels"]]))


@pytest.mark.parametrize("write", [_manifest, _json_lines, _npz, _tfrecord], ids=lambda one: one.__name__)
def test_equals_scikit_learn_in_every_form_of_data(
    write: Callable[[Path], Path], model: Path, run: Run, tmp_path: Path
) -> None:
    status, found, said = run(write(tmp_path / "data"), model=model)
    assert (status, said, found["part"]) == (0, "", "all")
    _check(found)


def test_files_name_each_wrong_sample_and_what_is_given_instead(model: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _, found, _ = run(_manifest(tmp_path / "data"), f"--out={out}", model=model)
    with (out / "labels.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head == ["label", "given_right", "missed", "given_wrong", "rightly_not_given"]
    parts = (TRUE & GIVEN, TRUE & ~GIVEN, ~TRUE & GIVEN, ~TRUE & ~GIVEN)
    assert [[int(cell) for cell in row[1:]] for row in rows] == np.stack([one.sum(0) for one in parts], 1).tolist()
    with (out / "mistakes.csv").open() as file:
        wrong = [*csv.DictReader(file)]
    assert {int(Path(one["sample"]).stem) for one in wrong} == {*np.flatnonzero((TRUE != GIVEN).any(1)).tolist()}
    errors = []
    for one in wrong:
        index, label = int(Path(one["sample"]).stem), NAMES.index(one["label"])
        assert one["true"].split(";") == (_labels(index) or [""])
        assert TRUE[index, label] != GIVEN[index, label]
        assert float(one["probability"]) == pytest.approx(SHARES[index, label], abs=1e-5)
        errors.append(abs(float(one["probability"]) - TRUE[index, label]))
    assert errors == sorted(errors, reverse=True)
    for pair in found["instead"]:
        missed, given = NAMES.index(pair["missed"]), NAMES.index(pair["given"])
        expected = np.sum((TRUE & ~GIVEN)[:, missed] & (~TRUE & GIVEN)[:, given])
        assert pair["samples"] == expected
    page = (out / "evaluation.html").read_text()
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert page.count("<img ") == 1 + len(NAMES) + min(24, len(wrong))
    assert found == json.loads((out / "evaluation.json").read_text())


def test_prints_a_line_and_tables(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _manifest(tmp_path / "data", camera=["a", "b"] * (COUNT // 2))
    assert program.main([f"--model={model}", str(data), "--by=camera"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.match(r"mean average precision 0\.\d+ \(0\.\d+ to \d\.\d+, 60 images\), macro F1 ", said[0])
    assert all(len(line) <= 80 for line in said[1:])
    assert [line.split()[0] for line in said if line.startswith(("red", "round", "small", "a ", "b "))][:5] == [
        *NAMES,
        "a",
        "b",
    ]


def test_labels_that_the_model_does_not_know_are_ignored(model: Path, run: Run, tmp_path: Path) -> None:
    data = _manifest(tmp_path / "data")
    data.write_text(data.read_text().replace("small", "tiny"))
    status, found, said = run(data, model=model)
    assert (status, found["labels"][2]["average_precision"]) == (0, None)
    assert found["unknown_labels"] == {"tiny": int(TRUE[:, 2].sum())}
    assert said == (
        "trainer.evaluate: 2 of the model's 3 labels have images: red, round; "
        "labels that the model does not know are ignored: tiny\n"
    )


def test_the_test_part_is_that_of_the_training(run: Run, tmp_path: Path) -> None:
    data = _manifest(tmp_path / "data")
    named = {"target": "labels", "data": str(data), "validation_split": 0.2, "seed": 3}
    model = exported(tmp_path / "model", _MODEL, Labels(NAMES, THRESHOLDS), **named)
    dataset = loading.load(str(data), 0.2, 3, target="labels")
    _, found, _ = run(data, f"--out={tmp_path / 'out'}", model=model)
    assert (found["part"], found["samples"]) == ("test", len(dataset.test))
    assert [one["samples"] for one in found["labels"]] == dataset.test.targets.sum(0).tolist()
    array = _npz(tmp_path / "array")
    arrays = exported(tmp_path / "other", _MODEL, Labels(NAMES, THRESHOLDS), **{**named, "data": str(array)})
    split = loading.load(str(array), 0.2, 3)
    _, found, _ = run(array, model=arrays)
    assert [one["samples"] for one in found["labels"]] == split.test.targets.sum(0).tolist()[::-1]


@pytest.mark.parametrize(
    ("label", "match"),
    [
        ("", "`DATA` must have labels of the model: red, round, small. Received: .*, with no label"),
        ("cat", "`DATA` must have labels of the model: red, round, small. Received: .*, with cat"),
    ],
)
def test_rejects_other_labels(label: str, match: str, model: Path, run: Run, tmp_path: Path) -> None:
    _files(tmp_path / "data")
    rows = [f"{index:02d}.png,{label}" for index in range(COUNT)]
    (tmp_path / "data" / "list.csv").write_text("\n".join(["image,label", *rows]))
    status, _, said = run(tmp_path / "data", model=model)
    assert (status, said.count("\n")) == (2, 1)
    assert re.search(match, said), said


def test_rejects_data_of_classes(model: Path, run: Run) -> None:
    assert run("digits", model=model)[2] == (
        "trainer.evaluate: `DATA` must have labels, as the model predicts, in a manifest (.csv, .jsonl), an .npz file "
        "or TFRecord shards. Received: digits, which holds classes\n"
    )
