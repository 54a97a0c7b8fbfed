import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from trainer.data.form import Form
from trainer.data.held_out import HeldOut
from trainer.errors import UsageError
from trainer.objectives.classes import Classes
from trainer.objectives.cross_validation.classes import OfClasses
from trainer.objectives.scores import Score
from trainer.serving import card
from trainer.serving.card import Card, File

CARD = Card(
    outputs=Classes(["cat", "a|b_*"]),
    form=Form((28, 30), 1),
    samples={"train": 1293, "validation": 144, "test": 3},
    accuracy=2 / 3,
    scores=[Score("cat", 1.0, 0.5, 2 / 3, 2), Score("a|b_*", 0.5, 1.0, 2 / 3, 1)],
    record={
        "configuration": {"data": "my_pets", "filters": 32},
        "precision": {"name": "bfloat16", "reason": "asked for"},
        "versions": {"python": "3.11.7", "trainer": None},
        "git_revision": "896ca57",
    },
    files=[File("model.keras", 6540459, "be02"), File("saved_model.pb", 609, "1456")],
    confusions=[(0, 1, 1)],
)

TEXT = """\
# A classifier of images: 2 classes

Input: grey images of 28x30 pixels; other images are converted to this form. Training
data: my_pets (1,293 train, 144 validation, 3 test images). Precision: bfloat16.

## Accuracy

Accuracy on the test images: 66.67%; 95 % interval (Wilson): 20.77% to 93.85%.

| class    | precision | recall | F1    | test images |
| -------- | --------- | ------ | ----- | ----------- |
| cat      | 1.000     | 0.500  | 0.667 | 2           |
| a\\|b\\_\\* | 0.500     | 1.000  | 0.667 | 1           |

## How to use it

    python -m trainer.predict --model=. FILE…      classes of images
    python -m trainer.serve --model=.              a prediction container of Vertex AI
    keras.models.load_model("model.keras")         values, 0 to 255, to logits; needs `import trainer.layers`
    tf.saved_model.load(".")                       needs TensorFlow alone

Signatures of the SavedModel: `serving_default` takes `image_bytes`, the contents of files; `serving_array` takes
`image`, values, 0 to 255, `(batch, height, width, channels)`. Both return `class`, `probability` and `probabilities`;
`class_names` returns the order of the probabilities.

## How it was trained

| flag        | value   |
| ----------- | ------- |
| `--data`    | my_pets |
| `--filters` | 32      |

## Versions

|              | version |
| ------------ | ------- |
| python       | 3.11.7  |
| trainer      | unknown |
| git revision | 896ca57 |

## Files

| file             | bytes     | SHA-256 |
| ---------------- | --------- | ------- |
| `model.keras`    | 6,540,459 | be02    |
| `saved_model.pb` | 609       | 1456    |
"""


def test_the_text_is_this_one() -> None:
    assert CARD.text() == TEXT


def test_the_text_of_a_model_without_a_saved_model_says_how_to_get_one() -> None:
    text = dataclasses.replace(CARD, files=CARD.files[:1]).text()
    _, _, use = text.partition("needs `import trainer.layers`\n")
    assert use.startswith(
        "\n"
        "For TensorFlow alone, as in TensorFlow Serving, convert it; "
        "`--format=litert` and `onnx` are for other runtimes:\n"
        "\n"
        "    python -m trainer.export --model=. --format=savedmodel\n"
        "\n"
        "## How it was trained\n"
    )
    assert "Signatures" not in text


_SIGNAL = Form((150,), 2, -math.inf, math.inf, (0.5, -2.0), (1.0, 0.25), (1 / 8000,), "s")
_VOLUME = Form((16, 16, 20), 1, -math.inf, math.inf, (100.0,), (31.4159265,), (1.0, 1.0, 2.5), "mm")


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        (
            _SIGNAL,
            [
                "# A classifier of signals: 2 classes",
                "Input: 2-channel signals of 150 points at 8000 a second; other signals are converted to this form.",
                "data: my_pets (1,293 train, 144 validation, 3 test signals). Precision: bfloat16.",
                "| channel | mean | standard deviation |",
                "| 0       | 0.5  | 1                  |",
                "| 1       | -2   | 0.25               |",
                "Accuracy on the test signals: 66.67%; 95 % interval (Wilson): 20.77% to 93.85%.",
                "python -m trainer.predict --model=. FILE…      classes of signals",
                'keras.models.load_model("model.keras")         values to logits; needs `import trainer.layers`',
                "`serving_default` takes `signal_bytes`, the contents of files; `serving_array` takes",
                "`signal`, values `(batch, length, channels)`.",
            ],
        ),
        (
            _VOLUME,
            [
                "# A classifier of volumes: 2 classes",
                "Input: 1-channel volumes of 16x16x20 voxels of 1x1x2.5 mm; other volumes are converted",
                "| 0       | 100  | 31.4159            |",
                "Accuracy on the test volumes: 66.67%; 95 % interval (Wilson): 20.77% to 93.85%.",
                "`serving_default` takes `volume_bytes`, the contents of files; `serving_array` takes",
                "`volume`, values `(batch, depth, height, width, channels)`.",
            ],
        ),
        (
            dataclasses.replace(_VOLUME, low=0.0, high=255.0, centre=(), spread=(), spacing=(), unit=""),
            [
                "Input: 1-channel volumes of 16x16x20 voxels; other volumes are converted to this form.",
                "values, 0 to 255, `(batch, depth, height, width, channels)`.",
            ],
        ),
    ],
)
def test_the_text_speaks_of_the_kind(form: Form, lines: list[str]) -> None:
    text = dataclasses.replace(CARD, form=form).text()
    for line in lines:
        assert line in text
    assert "image" not in text


@pytest.mark.parametrize("form", [_SIGNAL, _VOLUME])
def test_reads_the_scale_and_the_spacing_that_were_written(tmp_path: Path, form: Form) -> None:
    (tmp_path / card.JSON).write_text(dataclasses.replace(CARD, form=form).json(), encoding="utf-8")
    assert card.form(card.read(tmp_path)) == form


@pytest.mark.parametrize(
    ("precision", "tf32", "words"),
    [
        ("float32", True, "Precision: float32, convolutions and matrix products in TensorFloat-32."),
        ("float32", False, "Precision: float32."),
        ("bfloat16", True, "Precision: bfloat16."),
    ],
)
def test_the_text_says_what_float32_means_on_a_gpu(precision: str, tf32: bool, words: str) -> None:
    record = {**CARD.record, "precision": {"name": precision, "reason": ""}, "machine": {"tf32": tf32}}
    assert words in dataclasses.replace(CARD, record=record).text()


def test_a_class_without_test_images_has_no_recall() -> None:
    scores = [Score("cat", 1.0, 0.5, 2 / 3, 2), Score("dog", None, None, None, 0), Score("eel", 0.0, 0.0, 0.0, 1)]
    described = dataclasses.replace(CARD, scores=scores)
    rows = [line.split() for line in described.text().splitlines() if line.startswith("| ")]
    assert ["|", "dog", "|", "–", "|", "–", "|", "–", "|", "0", "|"] in rows
    assert ["|", "eel", "|", "0.000", "|", "0.000", "|", "0.000", "|", "1", "|"] in rows
    assert "A class without test images has no recall and no F1" in described.text()
    assert [score["recall"] for score in json.loads(described.json())["scores"]] == [0.5, None, 0.0]


def test_the_json_holds_the_same() -> None:
    content = json.loads(CARD.json())
    assert content == {
        "format": 1,
        "classes": ["cat", "a|b_*"],
        "target": {"name": "classes"},
        "form": {"sizes": [28, 30], "channels": 1, "low": 0.0, "high": 255.0},
        "samples": {"train": 1293, "validation": 144, "test": 3},
        "accuracy": 2 / 3,
        "accuracy_interval": pytest.approx([0.207660, 0.938508], abs=1e-6),
        "scores": [
            {"name": "cat", "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2},
            {"name": "a|b_*", "precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1},
        ],
        "confusions": [[0, 1, 1]],
        **CARD.record,
        "files": [
            {"name": "model.keras", "size": 6540459, "sha256": "be02"},
            {"name": "saved_model.pb", "size": 609, "sha256": "1456"},
        ],
    }


def test_reads_what_was_written(tmp_path: Path) -> None:
    (tmp_path / card.JSON).write_text(CARD.json(), encoding="utf-8")
    content = card.read(tmp_path)
    assert content["classes"] == CARD.outputs.names
    assert card.files(content) == CARD.files
    assert card.form(content) == CARD.form


def test_reads_the_card_of_version_0_1(tmp_path: Path) -> None:
    content = json.loads(CARD.json())
    del content["form"]
    content["input"] = {"height": 28, "width": 30, "channels": 1}
    (tmp_path / card.JSON).write_text(json.dumps(content), encoding="utf-8")
    assert card.form(card.read(tmp_path)) == CARD.form


def test_a_file_s_checksum_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert File.of(tmp_path, "a") == File("a", 3, expected)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, r"must be the folder model/ of a finished run. Received: .* \(model.json: No such file"),
        ("{", r"\(model.json: not a model card\)"),
        ("[]", r"\(model.json: not a model card\)"),
        ("[" * 100_000, r"\(model.json: not a model card\)"),  # found by tests.fuzz: model-1-26
        ('{"format": 1}', r"\(model.json: not a model card\)"),
        ('{"format": 1, "classes": [], "files": []}', r"\(model.json: not a model card\)"),
        ('{"format": 1, "classes": [], "files": [], "form": {"sizes": 3}}', r"\(model.json: not a model card\)"),
        (CARD.json().replace('"model.keras"', "7"), r"\(model.json: not a model card\)"),  # tests.fuzz: model-5-135
        (CARD.json().replace('"cat",', "null,"), r"\(model.json: not a model card\)"),
        (CARD.json().replace('"format": 1', '"format": 9'), "must be of format 1. Received: .*, format 9"),
    ],
)
def test_rejects_what_is_no_card(tmp_path: Path, text: str | None, match: str) -> None:
    if text is not None:
        (tmp_path / card.JSON).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=match):
        card.read(tmp_path)


def test_without_test_samples_the_accuracy_is_that_of_the_cross_validation() -> None:
    names, zeros = [str(one) for one in range(50)], np.zeros(50, np.int32)
    shares = [np.eye(2, dtype=np.float32)[(np.arange(50) >= right).astype(int)] for right in (40, 45)]
    folds = OfClasses([HeldOut(names, zeros, one, CARD.outputs.names, "image") for one in shares])
    made = dataclasses.replace(CARD, samples={**CARD.samples, "test": 0}, accuracy=None, cross_validation=folds)
    content = json.loads(made.json())
    assert (content["accuracy"], content["cross_validation"]["folds"]) == (0.85, 2)
    assert content["accuracy_interval"] == pytest.approx([0.7672, 0.9069], abs=1e-4)
    assert "Accuracy in cross-validation with 2 folds, over 100 held-out images:\n85.00%; 95 % interval" in made.text()
    assert "Accuracy on the test images" not in made.text()
    assert "held-out images |" in made.text()
    with pytest.raises(ValueError, match="must have an accuracy or the result of a cross-validation"):
        dataclasses.replace(made, cross_validation=None).json()
