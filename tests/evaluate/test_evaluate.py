"""`python -m trainer.evaluate`, from its command line to its files."""

import csv
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn import metrics

from tests.evaluate.conftest import COUNT, Case
from tests.gcs.server import serve
from tests.serving import models
from trainer.data import loading
from trainer.data.form import Form
from trainer.data.from_arrays import from_arrays
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.folds import Fold
from trainer.data.lists.given import Given
from trainer.evaluate import __main__ as program
from trainer.evaluate import parts, predictions
from trainer.evaluate.predictions import Part, Predictions
from trainer.interval import wilson

pytestmark = pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")  # scikit-learn's

Run = Callable[..., tuple[int, dict[str, Any], str]]


def _trained_on(case: Case, folder: Path, data: object, **configuration: object) -> Path:
    """Returns a copy of the model whose card says that it was trained on data."""
    shutil.copytree(case.model, folder)
    card = json.loads((folder / "model.json").read_text())
    card["configuration"] |= {"data": str(data), **configuration}
    (folder / "model.json").write_text(json.dumps(card))
    return folder


def _check(found: dict[str, Any], case: Case, indices: Any = slice(None)) -> None:
    """Compares a result with scikit-learn's."""
    labels, shares = case.labels[indices], case.probabilities[indices]
    predicted = shares.argmax(1)
    accuracy = metrics.accuracy_score(labels, predicted)
    assert found["samples"] == len(labels)
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["accuracy_interval"] == pytest.approx(wilson(accuracy, len(labels)))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    present = np.unique(labels)
    scores = metrics.precision_recall_fscore_support(labels, predicted, labels=range(3), zero_division=0)
    assert found["macro_f1"] == pytest.approx(scores[2][present].mean())
    for number, one in enumerate(found["classes"]):
        assert (one["class"], one["samples"]) == (models.CLASSES[number], scores[3][number])
        if number in present:
            assert [one["precision"], one["recall"], one["f1"]] == pytest.approx([row[number] for row in scores[:3]])
            expected = metrics.average_precision_score(labels == number, shares[:, number])
            assert one["average_precision"] == pytest.approx(expected, abs=1e-6)
        else:
            assert [one["recall"], one["f1"], one["average_precision"]] == [None] * 3
    wrong = [one["probability"] for one in found["mistakes"]]
    expected_wrong = np.sort(shares.max(1)[predicted != labels])[::-1][:10]
    np.testing.assert_allclose(wrong, expected_wrong, atol=1e-5)


def test_equals_scikit_learn(case: Case, run: Run, tmp_path: Path) -> None:
    status, found, said = run(case.folder(tmp_path / "data"), f"--out={tmp_path / 'out'}")
    assert (status, said, found["part"]) == (0, "", "all")
    _check(found, case)
    assert found == json.loads((tmp_path / "out" / "evaluation.json").read_text())
    with (tmp_path / "out" / "confusion.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head == ["true", *models.CLASSES]
    expected = metrics.confusion_matrix(case.labels, case.probabilities.argmax(1))
    assert [[int(cell) for cell in row[1:]] for row in rows] == expected.tolist()
    with (tmp_path / "out" / "mistakes.csv").open() as file:
        wrong = [*csv.DictReader(file)]
    assert len(wrong) == int((case.labels != case.probabilities.argmax(1)).sum())
    for one in wrong:
        index = int(Path(one["sample"]).stem)
        assert Path(one["sample"]).read_bytes() == case.contents[index]
        assert one["true"] == case.names[index]
        assert float(one["probability_of_true"]) == pytest.approx(
            case.probabilities[index, case.labels[index]], abs=1e-5
        )
    for name in ("confusion.png", "reliability.png"):
        with Image.open(tmp_path / "out" / name) as picture:
            assert picture.size > (200, 100)


def _npz(case: Case, root: Path) -> Path:
    root.mkdir()
    np.savez(root / "data.npz", x=case.images, y=case.labels, class_names=np.array(models.CLASSES))
    return root / "data.npz"


def _reordered(case: Case, root: Path) -> Path:
    """Class names in another order, with a class between that has no sample."""
    root.mkdir()
    order = np.array([3, 0, 1])  # of the model's classes among those of the file
    names = np.array([models.CLASSES[1], models.CLASSES[2], "horse", models.CLASSES[0]])
    np.savez(root / "data.npz", x=case.images, y=order[case.labels], class_names=names)
    return root / "data.npz"


def _tfrecord(case: Case, root: Path) -> Path:
    root.mkdir()
    with tf.io.TFRecordWriter(str(root / "a.tfrecord")) as writer:
        for content, name in zip(case.contents, case.names, strict=True):
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in (("image/encoded", content), ("image/class/text", name.encode()))
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return root


@pytest.mark.parametrize("write", [_npz, _reordered, _tfrecord, Case.manifest], ids=lambda one: one.__name__)
def test_every_form_of_data_gives_the_same(
    write: Callable[[Case, Path], Path], case: Case, run: Run, tmp_path: Path
) -> None:
    status, found, _ = run(write(case, tmp_path / "data"), "--batch_size=7")
    assert status == 0
    _check(found, case)


def test_classes_are_matched_by_name(case: Case, run: Run, tmp_path: Path) -> None:
    indices = np.flatnonzero(case.labels != 1)
    data = case.folder(tmp_path / "data", indices)
    shutil.copytree(data / models.CLASSES[0], data / "horse")
    horses = len([*(data / "horse").iterdir()])
    (data / "horse" / "other.png").write_bytes(models.encoded(models.pixels(1, 9))[0])
    status, found, said = run(data)
    assert status == 0
    _check(found, case, indices)
    assert found["unknown_classes"] == {"horse": horses + 1}
    assert said == (
        "trainer.evaluate: 2 of the model's 3 classes have images: cat, crème brûlée; "
        f"{horses + 1} images of horse left out: the model does not know this class\n"
    )


def test_a_folder_that_was_trained_on_is_evaluated_on_its_test_part(case: Case, run: Run, tmp_path: Path) -> None:
    data = case.folder(tmp_path / "data")
    entries = loading.list_entries(str(data))
    dataset = loading.load(str(data), 0.2, 3)
    model = _trained_on(case, tmp_path / "model", data, validation_split=0.2, seed=3)
    for part in ("train", "validation", "test"):
        found = run(data, f"--part={part}", model=model)[1]
        store = getattr(dataset, part)
        assert (found["part"], found["samples"]) == (part, len(store))
        training = parts.Training.of(json.loads((model / "model.json").read_text()))
        chosen = parts.of_files(entries, part, training, str(data)).samples
        files = {store.locations.name(index) for index in range(len(store))}
        assert {chosen.name(index) for index in range(len(chosen.labels))} == files
    assert run(data, model=model)[1]["part"] == "test"
    assert run(data)[1]["part"] == "all"
    moved = data.rename(tmp_path / "moved")
    assert run(moved, model=model)[1]["part"] == "all"  # the card has no checksums
    card = json.loads((model / "model.json").read_text()) | {"data": dataset.fingerprint.content()}
    (model / "model.json").write_text(json.dumps(card))
    assert run(moved, model=model)[1]["part"] == "test"


@pytest.mark.parametrize("fold", [None, Fold(0, 3), Fold(2, 3)])
@pytest.mark.parametrize("given", [("train",), ("train", "test"), ("train", "validation", "test")])
def test_arrays_are_split_as_in_training(given: tuple[str, ...], fold: Fold | None) -> None:
    random = np.random.default_rng(0)
    pairs = {part: (random.integers(0, 256, (50, 4, 4), np.uint8), random.integers(0, 3, 50)) for part in given}
    training = parts.Training("d", 0.2, 7, fold, {})
    dataset = from_arrays(Given(pairs), IMAGE, 0.2, seed=7, options=SampleOptions(), fold=fold)
    for part in ("train", "validation", "test"):
        store = getattr(dataset, part)
        if not len(store):
            continue
        if part == "test" and "test" in given and fold and fold.number:
            continue  # samples that the data set names for the test are evaluated, which no fold has seen
        chosen = parts.of_arrays(Given(pairs), part, training, "d").samples
        assert isinstance(chosen, parts.Arrays)
        values = np.concatenate(
            [array[chosen.rows[chosen.rows[:, 0] == at, 1]] for at, array in enumerate(chosen.arrays.values())]
        )
        assert {one.tobytes() for one in values} == {one.tobytes() for one in store.samples}


def test_a_part_that_the_data_name_is_the_default(case: Case, run: Run, tmp_path: Path) -> None:
    case.folder(tmp_path / "data" / "train", slice(0, 40))
    case.folder(tmp_path / "data" / "test", slice(40, None))
    _, found, _ = run(tmp_path / "data")
    assert found["part"] == "test"
    _check(found, case, slice(40, None))


def test_shards_and_resumption_give_the_same_figures(
    case: Case, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = case.folder(tmp_path / "data"), tmp_path / "out"
    whole = run(data, f"--out={tmp_path / 'whole'}")[1]
    written: list[int] = []
    write = Predictions.write

    def dies(self: Predictions, number: int, part: Part) -> None:
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(number)
        write(self, number, part)

    with monkeypatch.context() as patch:
        patch.setattr(Predictions, "write", dies)
        assert run(data, f"--out={out}")[0] == 130
    assert len([*(out / "predictions").glob("*.npz")]) == 1
    first = (out / "predictions" / "000000.npz").stat().st_mtime_ns
    assert program.main([f"--model={case.model}", str(data), f"--out={out}", "--shard=2/3"]) == 0
    assert capsys.readouterr().out == (
        "shard 2 of 3 is done: 32 of 60 images are predicted; the last shard writes the result\n"
    )
    assert not (out / "evaluation.json").exists()
    assert program.main([f"--model={case.model}", str(data), f"--out={out}", "--shard=1/3"]) == 0
    capsys.readouterr()
    found = run(data, f"--out={out}", "--shard=3/3")[1]
    assert found == whole
    assert (out / "predictions" / "000000.npz").stat().st_mtime_ns == first
    for name in ("confusion.csv", "mistakes.csv", "confusion.png", "reliability.png", "evaluation.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_groups_have_their_own_scores(case: Case, run: Run, tmp_path: Path) -> None:
    cameras = ["left" if index % 3 else "right [1]" for index in range(COUNT)]
    data = case.manifest(tmp_path / "data", camera=cameras, group=["1"] * COUNT)
    out = f"--out={tmp_path / 'out'}"
    assert run(data, out)[0] == 0
    _, found, said = run(data, out, "--by=camera")  # without a new prediction
    assert (found["by"], said) == ("camera", "")
    for name in ("left", "right [1]"):
        own = np.array([camera == name for camera in cameras])
        one = found["groups"][name]
        right = case.probabilities[own].argmax(1) == case.labels[own]
        assert (one["samples"], one["accuracy"]) == (own.sum(), pytest.approx(right.mean()))
        assert one["accuracy_interval"] == pytest.approx(wilson(right.mean(), int(own.sum())))
        expected = metrics.f1_score(case.labels[own], case.probabilities[own].argmax(1), average="macro")
        assert one["macro_f1"] == pytest.approx(expected)
    assert run(data, "--by=camra")[2].endswith("Received: camra; did you mean camera?\n")
    assert {*run(data.parent, "--by=label")[1]["groups"]} == {*models.CLASSES}
    objects = [{"image": f"{name}/{index:02d}.png", "label": name} for index, name in enumerate(case.names)]
    objects[0]["day"] = 3  # type: ignore[assignment]
    data.unlink()
    (tmp_path / "data" / "list.jsonl").write_text("\n".join(map(json.dumps, objects)))
    grouped = run(tmp_path / "data", "--by=day")[1]["groups"]
    assert {day: one["samples"] for day, one in grouped.items()} == {"": COUNT - 1, "3": 1}


def test_broken_samples_are_named_and_left_out(case: Case, run: Run, tmp_path: Path) -> None:
    data = case.folder(tmp_path / "data")
    (data / "cat" / "a.png").write_bytes(b"hello")
    (data / "cat" / "b.png").symlink_to("nothing")
    status, found, said = run(data)
    assert status == 2
    _check(found, case)
    first, second = said.splitlines()
    assert first == f"trainer.evaluate: {data}/cat/a.png: not JPEG, PNG, GIF, BMP or WebP"
    assert second == f"trainer.evaluate: {data}/cat/b.png: No such file or directory"
    assert run(data, "--skip_broken")[0] == 0


def test_prints_tables_that_fit_80_columns(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    data = case.manifest(tmp_path / "data", camera=["a"] * COUNT)
    assert program.main([f"--model={case.model}", str(data), "--by=camera"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("accuracy ") and said[0].endswith(
        "(all samples: the model was not trained on these data)"
    )
    assert all(len(line) <= 80 for line in said[1:])
    for words in (["class", "precision", "recall", "F1"], ["camera", "accuracy", "95%", "interval"], ["image", "true"]):
        assert any(line.split()[: len(words)] == words for line in said)
    assert program.main([f"--model={case.model}", str(data), "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines() == said[:1]


def test_reads_model_and_data_from_a_bucket(
    case: Case, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = case.folder(tmp_path / "data")
    with serve(rate_limit=False) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        for above, name in ((case.model, "run/model"), (data, "data")):
            for path in above.rglob("*"):
                if path.is_file():
                    server.put("bucket", f"{name}/{path.relative_to(above).as_posix()}", path.read_bytes())
        status, found, said = run("gs://bucket/data", f"--cache_dir={tmp_path / 'cache'}", model="gs://bucket/run")
    assert (status, said.count("downloads")) == (0, 2)
    _check(found, case)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "`DATA` must be one data set"),
        (["a", "--data=b"], "`DATA` must be one data set"),
        (["{data}", "--shard=1/2"], "`--out` must be one folder for all shards. Received: nothing, with --shard=1/2"),
        (["{data}", "--shard=3/2"], "`--shard` must be K/N"),
        (["{data}", "--out={data}"], r"`--out` must be a new folder, .* \(contains cat\)"),
        (["{data}", "--part=tset"], "`--part` must be one of auto, train"),
        (["{data}", "--batch_size=0"], "`--batch_size` must be a whole number"),
        (["{data}", "--by=camera"], "`--by` must be a column of a manifest"),
        (["{data}", "--output=x"], "Did you mean --out?"),
        (["{data}/nothing"], "must be one of .*no such file or folder"),
        (["digits"], "`DATA` must have classes of the model: cat, dog, crème brûlée. Received: digits, with 0, "),
    ],
)
def test_rejects(words: list[str], match: str, case: Case, run: Run, tmp_path: Path) -> None:
    data = case.folder(tmp_path / "data", slice(0, 6))
    status, _, said = run(*(word.format(data=data) for word in words))
    assert status == 2
    assert said.count("\n") == 1
    assert re.search(match, said), said


def test_a_folder_keeps_the_predictions_of_one_evaluation(case: Case, run: Run, tmp_path: Path) -> None:
    out = f"--out={tmp_path / 'out'}"
    assert run(case.folder(tmp_path / "data"), out)[0] == 0
    (tmp_path / "data" / "cat" / "more.png").write_bytes(case.contents[0])
    status, _, said = run(tmp_path / "data", out)
    assert (status, "of other samples" in said) == (2, True)
    other = models.exported(tmp_path / "model", models.build(seed=1))
    (tmp_path / "data" / "cat" / "more.png").unlink()
    status, _, said = run(tmp_path / "data", out, model=other)
    assert (status, "of other model" in said) == (2, True)


def test_a_damaged_file_of_predictions_is_named(case: Case, run: Run, tmp_path: Path) -> None:
    data, out = case.folder(tmp_path / "data"), tmp_path / "out"
    assert run(data, f"--out={out}")[0] == 0
    damaged = out / predictions.FOLDER / "000001.npz"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    status, _, said = run(data, f"--out={out}")
    assert (status, f"{damaged}: must contain predictions; remove it" in said) == (2, True)
    damaged.unlink()
    assert run(data, f"--out={out}")[0] == 0


@pytest.mark.parametrize("part", ["test", "val"])
def test_arrays_need_no_training_part(part: str, case: Case, run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{f"x_{part}": case.images, f"y_{part}": np.array(case.names)})
    status, found, _ = run(tmp_path / "a.npz")
    assert (status, found["part"]) == (0, "test" if part == "test" else "all")
    _check(found, case)
    own = case.labels == 2
    np.savez(tmp_path / "b.npz", **{f"x_{part}": case.images[own], f"y_{part}": np.array(case.names)[own]})
    _check(run(tmp_path / "b.npz")[1], case, own)
    status, _, said = run(tmp_path / "a.npz", "--part=train")
    assert (status, "`--part` must be " in said) == (2, True)


_FORMS = {
    "signals": Form((40,), 2, -math.inf, math.inf, (0.0, 0.0), (1.0, 1.0)),
    "volumes": Form((8, 9, 10), 1),
}


@pytest.mark.parametrize("kind", _FORMS)
def test_signals_and_volumes(kind: str, run: Run, tmp_path: Path) -> None:
    form, random = _FORMS[kind], np.random.default_rng(0)
    model = models.build(form=form)
    folder = models.exported(tmp_path / "model", model, form)
    samples = random.integers(0, 256, (30, *form.shape), np.uint8)
    samples = samples if form.is_bounded else (samples / 100).astype(np.float32)
    labels = random.integers(0, 3, 30)
    names = [models.CLASSES[label] for label in labels]
    np.savez(tmp_path / "a.npz", x=samples, y=np.array(names))
    (tmp_path / "files").mkdir()
    for index, sample in enumerate(samples):
        np.save(tmp_path / "files" / f"{index}.npy", sample)
    rows = [f"{index}.npy,{name}" for index, name in enumerate(names)]
    (tmp_path / "files" / "list.csv").write_text("\n".join(["array,label", *rows]))
    predicted = models.probabilities(model, samples).argmax(1)
    for data in (tmp_path / "a.npz", tmp_path / "files"):
        status, found, said = run(data, model=folder)
        assert (status, said, found["samples"]) == (0, "", 30)
        assert found["accuracy"] == pytest.approx((predicted == labels).mean())
    message = f"`DATA` must contain {kind}, as the model takes. Received: digits, images"
    assert message in run("digits", model=folder)[2]


@pytest.mark.parametrize(
    ("samples", "match"),
    [
        (np.zeros((6, 9, 8, 3), np.float32), r"`DATA` must contain bytes \(uint8\), as the data that the model was"),
        (np.zeros((6, 12, 8, 3), np.uint8), r"`DATA` must contain images of the shape \(9, 8, 3\)"),
    ],
)
def test_rejects_arrays_of_another_form(samples: np.ndarray, match: str, run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=samples, y=np.array(["cat", "dog"] * 3))
    status, _, said = run(tmp_path / "a.npz")
    assert (status, bool(re.search(match, said))) == (2, True), said
