import dataclasses
import getpass
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.serving import models
from trainer.serving import export

# What another program does, that has TensorFlow and nothing of ours.
_STRANGER = """
import json, sys
sys.modules["trainer"] = None
import numpy as np, tensorflow as tf
for folder in sys.argv[1:]:
    loaded = tf.saved_model.load(folder)
    given = np.load(folder + "/../given.npz")
    images = tf.constant(given["images"].astype(np.float32))
    encoded = tf.constant([tf.io.encode_png(image).numpy() for image in given["images"]])
    of_bytes = loaded.signatures["serving_default"](image_bytes=encoded)
    of_array = loaded.signatures["serving_array"](image=images)
    names = loaded.signatures["class_names"]()["class_names"].numpy()
    for answer in (of_bytes, of_array):
        assert answer["probabilities"].dtype == tf.float32
        np.testing.assert_allclose(answer["probabilities"], given["probabilities"], atol=1e-5, rtol=0)
        np.testing.assert_array_equal(answer["probability"], answer["probabilities"].numpy().max(axis=1))
        np.testing.assert_array_equal(answer["class"], names[answer["probabilities"].numpy().argmax(axis=1)])
    print(json.dumps([name.decode() for name in names]))
"""


def test_the_keras_file_takes_raw_pixels_and_gives_the_same_logits(tmp_path: Path) -> None:
    model = models.build()
    model.compile("adam", "sparse_categorical_crossentropy")
    path = export.save(model, tmp_path, models.about(model))
    names = {entry.name for entry in tmp_path.iterdir()}
    assert names == {"model.keras", "README.md", "model.json"}
    loaded = keras.models.load_model(path)
    np.testing.assert_array_equal(loaded(models.pixels(4)), model(models.pixels(4)))
    assert not loaded.compiled


def test_the_saved_model_gives_the_same_answers_in_a_process_without_this_package(tmp_path: Path) -> None:
    folders = []
    for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
        model, images = models.build(policy), models.pixels(6)
        folder = tmp_path / policy
        folder.mkdir()
        folders.append(str(models.exported(folder / "model", model, with_graph=True)))
        np.savez(folder / "given.npz", images=images, probabilities=models.probabilities(model, images))
    command = [sys.executable, "-P", "-c", _STRANGER, *folders]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[*models.CLASSES]] * 3


@pytest.mark.parametrize("shape", [(9, 8, 1), (9, 8, 3)])
def test_the_answers_do_not_depend_on_the_batch(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    model, images = models.build(shape=shape), models.pixels(5, shape=shape)
    loaded = tf.saved_model.load(str(models.exported(tmp_path, model, with_graph=True)))
    ask = loaded.signatures["serving_default"]
    together = ask(image_bytes=tf.constant(models.encoded(images)))["probabilities"]
    for image, expected in zip(models.encoded(images), together, strict=True):
        np.testing.assert_allclose(ask(image_bytes=tf.constant([image]))["probabilities"][0], expected, atol=1e-5)
    np.testing.assert_allclose(together, models.probabilities(model, images), atol=1e-5)


def test_a_crash_anywhere_leaves_each_form_whole_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, images = models.build(seed=1), models.build(seed=2), models.pixels(3)
    answers = [models.probabilities(model, images) for model in (old, new)]
    replace, left = Path.replace, [0]

    def replace_or_die(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("the machine is gone")
        return replace(path, target)

    for count in range(100):
        folder = models.exported(tmp_path / str(count), old, with_graph=True)
        left[0] = count
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace_or_die)
            try:
                export.save(new, folder, models.about(new), with_graph=True)
            except OSError:
                assert not export.is_whole(folder)
            else:
                break
        if (folder / "saved_model.pb").exists():
            loaded = tf.saved_model.load(str(folder)).signatures["serving_array"]
            found = loaded(image=tf.constant(images, tf.float32))["probabilities"]
            assert any(np.allclose(found, expected, atol=1e-5) for expected in answers)
        logits = keras.models.load_model(folder / "model.keras")(images)
        assert any(np.allclose(tf.nn.softmax(logits), expected, atol=1e-5) for expected in answers)
        export.save(new, folder, models.about(new), with_graph=True)
        assert export.is_whole(folder)
        assert not [entry for entry in folder.iterdir() if entry.name.startswith(".")]
    assert count == 6  # renamings: the Keras file, three of the SavedModel, and the card's two


@pytest.mark.parametrize("name", ["model.keras", "saved_model.pb", "variables/variables.index", "README.md"])
def test_a_model_without_one_of_its_files_is_not_whole(tmp_path: Path, name: str) -> None:
    folder = models.exported(tmp_path, models.build(), with_graph=True)
    assert export.is_whole(folder)
    (folder / name).unlink()
    assert not export.is_whole(folder)
    assert not export.is_whole(tmp_path / "nowhere")


def test_a_model_without_a_saved_model_keeps_none_of_an_earlier_one(tmp_path: Path) -> None:
    folder = models.exported(tmp_path, models.build(), with_graph=True)
    assert export.has_graph(folder)
    models.exported(folder, models.build())
    assert not export.has_graph(folder)
    assert {entry.name for entry in folder.iterdir()} == {"model.keras", "README.md", "model.json"}
    assert export.is_whole(folder)


def test_tells_nobody_where_and_by_whom_it_was_made(tmp_path: Path) -> None:
    folder = models.exported(tmp_path / "secret-place", models.build(), with_graph=True)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".keras")
    for secret in ("secret-place", str(Path.cwd()), str(Path.home()) + "/", f"/{getpass.getuser()}/"):
        assert secret.encode() not in written


def test_the_card_scores_the_counts_that_it_is_given(tmp_path: Path) -> None:
    model = models.build()
    about = dataclasses.replace(models.about(model), confusion=np.array([[3, 1, 0], [0, 4, 0], [1, 1, 0]]))
    export.save(model, tmp_path, about)
    card = json.loads((tmp_path / "model.json").read_text())
    assert [score["recall"] for score in card["scores"]] == [0.75, 1, 0]
    assert [score["precision"] for score in card["scores"]] == pytest.approx([3 / 4, 4 / 6, 0])
    assert [score["support"] for score in card["scores"]] == [4, 4, 2]


def test_the_card_holds_the_form_that_it_is_given(tmp_path: Path) -> None:
    content = json.loads((models.exported(tmp_path, models.build()) / "model.json").read_text())
    assert content["form"] == {"sizes": [9, 8], "channels": 3, "low": 0.0, "high": 255.0}
