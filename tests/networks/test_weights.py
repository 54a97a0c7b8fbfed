import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.gcs.server import serve
from tests.networks.backbones import FORM, backbone, classifier, samples, varied, write_legacy
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.networks import Network, build, pretrained, weights
from trainer.networks.network import Stage

FORMATS = (".keras", ".weights.h5", ".h5")
SMALL: dict[str, Any] = {"model": "convolutional", "filters": 4, "dense_units": 8}


def write(model: keras.Model, path: Path) -> Path:
    """Writes a model in the format that the file's name ends with."""
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    elif path.name.endswith(".keras"):
        model.save(path)
    else:
        write_legacy(model, path)
    return path


def values(model: Any, x: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(x))


def around(base: keras.Model, outputs: int = 3) -> Network:
    """Returns a network around a backbone with weights that nobody has trained, as from keras.applications."""
    hparams = HParams(model="MobileNet")
    model = pretrained.head.attach(hparams, FORM, outputs, base, policy="float32")
    return Network(model, (Stage(hparams.epochs),))


def load(network: Network, path: Path | str, **flags: Any) -> Network:
    return weights.load(network, HParams(model="MobileNet", weights=str(path), **flags))


def fresh() -> keras.Model:
    return keras.models.clone_model(backbone((12, 10, 3)))


@pytest.mark.parametrize("format", FORMATS)
def test_a_backbone_s_weights(format: str, tmp_path: Path) -> None:
    network = load(around(fresh()), write(backbone(), tmp_path / f"base{format}"), unfreeze="1")
    np.testing.assert_array_equal(values(network.model.get_layer("tiny"), samples()), values(backbone(), samples()))
    assert network.notes == ()
    assert [stage.trainable for stage in network.stages] == [["logits"], ["tiny/block2a_conv", "logits"]]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("tops", [1, 3])
def test_the_head_of_a_published_network_is_left_out(format: str, tops: int, tmp_path: Path) -> None:
    base = backbone()
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    for units in (8, 7, 5)[3 - tops :]:
        x = keras.layers.Dense(units)(x)
    path = write(keras.Model(base.input, x), tmp_path / f"whole{format}")
    network = load(around(fresh()), path)
    np.testing.assert_array_equal(values(network.model.get_layer("tiny"), samples()), values(base, samples()))
    assert network.notes == (f"the head for 5 classes of {path} is replaced by one for 3",)


@pytest.mark.parametrize("format", FORMATS)
def test_a_classifier_of_as_many_classes_gives_its_head(format: str, tmp_path: Path) -> None:
    whole = classifier("logits", classes=3)
    network = load(around(fresh()), write(whole, tmp_path / f"whole{format}"))
    np.testing.assert_allclose(values(network.model, samples()), values(whole, samples()), rtol=1e-4)
    assert network.notes == ()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("own", [True, False])
def test_a_network_of_the_same_kind_gives_its_head_where_that_fits(own: bool, format: str, tmp_path: Path) -> None:
    def make(outputs: int, **flags: Any) -> Network:
        return build(HParams(**SMALL, **flags), FORM, outputs) if own else around(fresh(), outputs)

    trained = varied(make(5).model)
    path = write(trained, tmp_path / f"trained{format}")
    flags = {**SMALL, "weights": str(path)}
    same = weights.load(make(5), HParams(**flags))
    np.testing.assert_array_equal(values(same.model, samples()), values(trained, samples()))
    assert same.notes == () and same.stages[0].trainable == ["logits"]
    other = weights.load(make(3), HParams(**flags))
    assert other.notes == (f"the head for 5 classes of {path} is replaced by one for 3",)
    for one, two in zip(other.model.weights[:-2], trained.weights[:-2], strict=True):
        if one.shape:
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_does_not_fit_is_named_with_the_first_layer_and_both_shapes(format: str, tmp_path: Path) -> None:
    path = write(build(HParams(model="convolutional", filters=4), FORM, 5).model, tmp_path / f"other{format}")
    with pytest.raises(UsageError) as failure:
        build(HParams(model="convolutional", filters=8, weights=str(path)), FORM, 5)
    message = str(failure.value)
    assert message.startswith(
        "`--weights` must be a file for the network of `--model=convolutional`: its layer conv1 has "
    )
    assert "(3, 3, 3, 8), (8,)" in message and "(3, 3, 3, 4), (4,)" in message
    assert message.endswith(f"Received: {path}") and "\n" not in message
    with pytest.raises(UsageError, match=r"its layer conv3 has weights of \(3, 3, 8, 16\)"):
        build(HParams(model="convolutional", filters=4, depth=3, weights=str(path)), FORM, 5)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_taken_from_a_file_that_does_not_fit(format: str, tmp_path: Path) -> None:
    path = write(classifier("layer"), tmp_path / f"other{format}")
    network = build(HParams(**SMALL), FORM, 5)
    before = network.model.get_weights()
    with pytest.raises(UsageError):
        weights.load(network, HParams(**SMALL, weights=str(path)))
    for one, two in zip(before, network.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("damage", ["missing", "a folder", "text", "empty", "half", "another's"])
def test_rejects_files(damage: str, format: str, tmp_path: Path) -> None:
    path = tmp_path / f"bad{format}"
    whole = write(backbone(), tmp_path / f"whole{format}").read_bytes()
    if damage == "a folder":
        path.mkdir()
    elif damage != "missing":
        other = write(backbone(), tmp_path / f"other{'.h5' if format == '.keras' else '.keras'}").read_bytes()
        path.write_bytes(
            {"text": b"weights", "empty": b"", "half": whole[: len(whole) // 2], "another's": other}[damage]
        )
    with pytest.raises(UsageError) as failure:
        load(around(fresh()), path)
    assert str(failure.value).startswith("`--weights` must be") and str(path) in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_of_keras_2_under_the_name_of_one_of_keras_3(tmp_path: Path) -> None:
    path = shutil.move(write_legacy(backbone(), tmp_path / "base.h5"), tmp_path / "base.weights.h5")
    model = load(around(fresh()), path).model
    np.testing.assert_array_equal(values(model.get_layer("tiny"), samples()), values(backbone(), samples()))


def test_a_file_in_a_bucket_and_one_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(backbone(), tmp_path / "base.weights.h5")
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = values(backbone(), samples())
    model = load(around(fresh()), "~/base.weights.h5").model
    np.testing.assert_array_equal(values(model.get_layer("tiny"), samples()), expected)
    with serve() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        server.put("bucket", "models/base.weights.h5", path.read_bytes())
        cache = str(tmp_path / "cache")
        model = load(around(fresh()), "gs://bucket/models/base.weights.h5", cache_dir=cache).model
        np.testing.assert_array_equal(values(model.get_layer("tiny"), samples()), expected)
        with pytest.raises(UsageError, match=r"^`--weights` must .* gs://bucket/none.h5"):
            load(around(fresh()), "gs://bucket/none.h5", cache_dir=cache)


@pytest.mark.parametrize("format", FORMATS)
def test_published_weights_of_efficientnet_divide_once_more_by_the_deviation(format: str, tmp_path: Path) -> None:
    def base() -> keras.Model:
        inputs = keras.Input((None, None, 3))
        x = keras.layers.Normalization(name="normalization")(keras.layers.Rescaling(1 / 255)(inputs))
        return keras.Model(inputs, keras.layers.Conv2D(4, 3, name="stem_conv")(x), name="efficientnet")

    deviations = np.array((0.229, 0.224, 0.225))
    published = varied(base())
    published.get_layer("normalization").adapt_mean.assign([0.485, 0.456, 0.406])
    published.get_layer("normalization").adapt_variance.assign(deviations**2)
    path = write(published, tmp_path / f"published{format}")
    network = weights.load(around(base()), HParams(model="EfficientNetB0", weights=str(path)))
    model = type(network.model).from_config(network.model.get_config())
    model.set_weights(network.model.get_weights())  # as an export does
    raw = (samples() / 255 - (0.485, 0.456, 0.406)) / deviations / np.sqrt(deviations)  # as in Keras's own network
    expected = values(published.get_layer("stem_conv"), raw.astype(np.float32))
    np.testing.assert_allclose(values(model.get_layer("efficientnet"), samples()), expected, rtol=1e-3, atol=1e-4)


def test_imagenet_goes_with_keras_applications_alone() -> None:
    with pytest.raises(UsageError, match="`--weights=imagenet` must be used with .* Received: --model=convolutional"):
        build(HParams(**SMALL, weights="imagenet"), FORM, 3)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network: connections go to a port where nothing listens."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # made by the first request of a process, and kept


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV2", "NASNetMobile"])
def test_imagenet_without_a_network_says_what_to_put_where(name: str, offline: None) -> None:
    with pytest.raises(UsageError, match=r"`--weights=imagenet` must .* https://\S+\.h5.* `--weights=\S+\.h5`"):
        build(HParams(model=name, weights="imagenet", image_size=96), Form((96, 96), 3), 3)


@pytest.mark.slow
def test_imagenet_s_file_may_lie_where_keras_keeps_it(offline: None, tmp_path: Path) -> None:
    form = Form((96, 96), 3)
    with pytest.raises(UsageError, match=r"`--weights=imagenet`") as failure:
        build(HParams(model="MobileNetV2", weights="imagenet"), form, 3)
    (name,) = re.findall(r"models as (\S+)\. Received", str(failure.value))
    (tmp_path / "models").mkdir()
    base = varied(keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(96, 96, 3)))
    write_legacy(base, tmp_path / "models" / name)
    program = (
        "from trainer.networks import build; from trainer.hparams import HParams; from trainer.data.form import Form\n"
        "model = build(HParams(model='MobileNetV2', weights='imagenet'), Form((96, 96), 3), 3).model\n"
        f"model.save({str(tmp_path / 'model.keras')!r})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "KERAS_HOME": str(tmp_path)})
    nested = keras.saving.load_model(tmp_path / "model.keras").layers[2]
    for one, two in zip(nested.get_weights(), base.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    given = build(HParams(model="MobileNetV2", weights=str(tmp_path / "models" / name)), form, 3).model.layers[2]
    np.testing.assert_array_equal(given.get_weights()[0], base.get_weights()[0])
