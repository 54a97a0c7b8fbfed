import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests.data.making import encoded
from tests.data.variants import REFUSED
from tests.serving import models
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor


def test_answers_as_the_model_does_for_bytes_and_for_arrays(predictor: Predictor) -> None:
    images = models.pixels(5)
    expected = models.probabilities(models.build(), images)
    for answers in (predictor.of_encoded(models.encoded(images)), predictor.of_values(images)):
        for answer, probabilities in zip(answers, expected, strict=True):
            assert isinstance(answer, Answer)
            np.testing.assert_allclose(answer.probabilities, probabilities, atol=1e-5)
            assert answer.name == predictor.classes[probabilities.argmax()]
            assert answer.probability == answer.probabilities.max()
    assert predictor.classes == [*models.CLASSES]
    assert predictor.form == Form(models.SHAPE[:2], models.SHAPE[2])


def test_answers_the_same_with_a_saved_model(tmp_path: Path, predictor: Predictor) -> None:
    other = Predictor(models.exported(tmp_path, models.build(), with_graph=True))
    (tmp_path / "model.keras").write_bytes(b"")  # it is not read
    images = models.pixels(3)
    for found, expected in (
        (other.of_values(images), predictor.of_values(images)),
        (other.of_encoded(models.encoded(images)), predictor.of_encoded(models.encoded(images))),
    ):
        for one, same in zip(found, expected, strict=True):
            assert isinstance(one, Answer)
            assert isinstance(same, Answer)
            np.testing.assert_array_equal(one.probabilities, same.probabilities)


def test_a_broken_image_spoils_no_other(predictor: Predictor) -> None:
    sound = models.encoded(models.pixels(4))
    large = tf.io.encode_png(np.zeros((200, 51, 1), np.uint8)).numpy()
    cut = sound[0][:60]
    answers = predictor.of_encoded([sound[0], b"", sound[1], large, cut, sound[2], b"hello", sound[3]])
    assert [isinstance(answer, BrokenSampleError) for answer in answers] == [0, 1, 0, 1, 1, 0, 1, 0]
    alone = predictor.of_encoded(sound)
    for one, other in zip([answers[place] for place in (0, 2, 5, 7)], alone, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)  # type: ignore[union-attr]
    assert str(answers[1]) == "an empty file"
    assert str(answers[3]) == "10,200 pixels; at most 10,000 are read"
    assert "\n" not in str(answers[4])
    assert str(answers[6]) == "not JPEG, PNG, GIF, BMP or WebP"


@pytest.mark.parametrize("orientation", [3, 6, 7])
@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_an_image_is_made_upright_and_its_transparency_ignored(
    predictor: Predictor, orientation: int, format: str
) -> None:
    noted = Image.Exif()
    noted[0x0112] = orientation
    (pixels,) = models.pixels(1)
    stored = Image.fromarray(pixels).convert("RGBA")
    stored.putalpha(100)
    content = encoded(stored, format, lossless=True, exif=noted)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
    one, other = *predictor.of_encoded([content]), *predictor.of_encoded([encoded(upright)])
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)  # type: ignore[union-attr]


def test_a_variant_that_is_not_read_is_named(predictor: Predictor) -> None:
    for content, message, _ in REFUSED.values():
        (answer,) = predictor.of_encoded([content])
        assert message in str(answer)


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.of_encoded([]) == []


def test_warms_up(predictor: Predictor) -> None:
    predictor.warm_up()


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("model.keras", None, r"must contain the files of its model.json. Received: .*model.keras: No such file"),
        (
            "model.keras",
            b"other",
            r"must contain unchanged files. Received: .*model.keras, by",
        ),
        ("model.json", None, "must be the folder model/ of a finished run"),
    ],
)
def test_rejects_a_folder_that_is_not_what_was_written(
    exported: Path, tmp_path: Path, name: str, content: bytes | None, match: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(exported, folder)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(UsageError, match=match):
        Predictor(folder)


def test_rejects_a_card_that_names_no_model(exported: Path, tmp_path: Path) -> None:
    content = json.loads((exported / "model.json").read_text())  # found by tests.fuzz: model-1-15
    (tmp_path / "model.json").write_text(json.dumps({**content, "files": []}))
    with pytest.raises(UsageError, match=r"must be a file that can be read. Received: .*model.keras \(no such file\)"):
        Predictor(tmp_path)


def test_reads_a_model_of_version_0_1(exported: Path, predictor: Predictor, tmp_path: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "model")
    content = json.loads((folder / "model.json").read_text())
    height, width = content.pop("form")["sizes"]
    content["input"] = {"height": height, "width": width, "channels": 3}
    (folder / "model.json").write_text(json.dumps(content))
    former, images = Predictor(folder), models.pixels(2)
    assert former.form == predictor.form
    for found, expected in zip(former.of_values(images), predictor.of_values(images), strict=True):
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)
