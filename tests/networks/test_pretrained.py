import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.gcs.server import serve
from tests.networks.backbones import ENDS, FORM, backbone, classifier, samples, varied
from trainer import layers
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.insight import graph
from trainer.networks import Network, build, pretrained


def from_file(path: Path | str, form: Form = FORM, outputs: int = 3, policy: str = "float32", **flags: Any) -> Network:
    return build(HParams(model=str(path), **flags), form, outputs, policy)


def saved(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def values(model: Any, x: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(x)).astype(np.float64)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def test_a_backbone_is_one_layer_between_raw_values_and_a_new_head(tmp_path: Path) -> None:
    base = backbone()
    network = from_file(saved(base, tmp_path / "base.keras"))
    model = network.model
    assert [layer.name for layer in model.layers] == ["image", "tiny", "pool", "power", "dropout", "logits"]
    assert isinstance(model.get_layer("dropout"), layers.Dropout)
    assert model.output_shape == (None, 3) and network.notes == ()
    features = values(base, samples()).mean(axis=(1, 2))
    features = features / np.sqrt(np.abs(features) + 1e-3)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(values(model, samples()), features @ kernel + bias, rtol=1e-5)
    assert {call.name for call in graph.walk(model).convolutions} == {
        "tiny/stem",
        "tiny/block1a_dw",
        "tiny/block2a_conv",
    }


def test_pooled_features_get_a_head(tmp_path: Path) -> None:
    base = backbone()
    pooled = keras.Model(base.input, keras.layers.GlobalMaxPooling2D()(base.output), name="pooled")
    model = from_file(saved(pooled, tmp_path / "base.keras")).model
    assert [layer.name for layer in model.layers] == ["image", "pooled", "power", "dropout", "logits"]
    np.testing.assert_allclose(values(model.get_layer("pooled"), samples()), values(pooled, samples()))


@pytest.mark.parametrize("end", ENDS)
def test_a_classifier_of_as_many_classes_keeps_its_head_without_its_softmax(end: str, tmp_path: Path) -> None:
    whole = classifier(end)
    network = from_file(saved(whole, tmp_path / "whole.keras"), outputs=5)
    logits, answers = values(network.model, samples()), values(whole, samples())
    assert network.notes == (f"the head of {tmp_path / 'whole.keras'} is kept: it has 5 classes, like the data",)
    link = {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "logits": lambda x: x}.get(end, softmax)
    np.testing.assert_allclose(link(logits), answers, rtol=1e-4, atol=1e-6)
    assert network.stages[0].trainable == ["logits"]


@pytest.mark.parametrize("end", ENDS)
def test_a_classifier_of_other_classes_gets_a_new_head_and_a_line_says_so(end: str, tmp_path: Path) -> None:
    path = saved(classifier(end), tmp_path / "whole.keras")
    network = from_file(path, outputs=3)
    assert network.notes == (f"the head for 5 classes of {path} is replaced by one for 3",)
    dense = graph.walk(network.model).dense
    assert [call.layer.units for call in dense if call.layer.units != 7] == [3]  # a hidden one stays
    assert network.model.output_shape == (None, 3)


def test_a_model_of_this_package_is_taken_up_again(tmp_path: Path) -> None:
    own = varied(build(HParams(depth=2, filters=4, dense_units=8), FORM, 5).model)
    path = saved(own, tmp_path / "model.keras")
    again = from_file(path, outputs=5).model
    np.testing.assert_allclose(values(again, samples()), values(own, samples()), rtol=1e-4)
    twice = from_file(saved(again, tmp_path / "twice.keras"), outputs=2)
    assert twice.notes == (f"the head for 5 classes of {tmp_path / 'twice.keras'} is replaced by one for 2",)
    names = [call.name for call in graph.walk(twice.model).convolutions]
    assert names == [f"pretrained_network/convolutional_network/conv{index}" for index in (1, 2)]
    assert any(call.layer.name == "scale" for call in graph.walk(twice.model).calls)


@pytest.mark.parametrize("name", ["pool", "power", "logits", "dropout", "image"])
def test_names_do_not_collide(name: str, tmp_path: Path) -> None:
    inputs = keras.Input((None, None, 3), name="image")
    base = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="logits")(inputs), name=name)
    network = from_file(saved(base, tmp_path / "base.keras"), unfreeze="all")
    assert list(network.stages[1].trainable or ()) == [f"{name}_1/logits", "logits"]


@pytest.mark.parametrize("nested", [False, True])
def test_fixed_sizes_follow_the_data_where_the_weights_do_not_depend_on_them(nested: bool, tmp_path: Path) -> None:
    base = backbone((32, 32, 3))
    if nested:
        base = keras.Sequential([keras.Input((32, 32, 3)), base, keras.layers.MaxPooling2D()])
    model = from_file(saved(base, tmp_path / "base.keras")).model
    assert model.input_shape == (None, 12, 10, 3)
    free = backbone()
    if nested:
        free = keras.Sequential([free, keras.layers.MaxPooling2D()])
    np.testing.assert_allclose(values(model.layers[1], samples()), values(free, samples()))


def test_a_fixed_size_that_the_weights_depend_on_is_named_and_helps(tmp_path: Path) -> None:
    path = saved(build(HParams(), Form((16, 16), 3), 5).model, tmp_path / "fixed.keras")
    with pytest.raises(UsageError, match=r"`--image_size` must be 16.* Received: 0, the default, so 12x10$"):
        from_file(path)
    assert from_file(path, Form((16, 16), 3), image_size=16).model.output_shape == (None, 3)


def test_grey_is_repeated_for_a_network_of_colour(tmp_path: Path) -> None:
    path, grey = saved(backbone(), tmp_path / "base.keras"), Form(FORM.sizes, 1)
    model = from_file(path, grey).model
    x = samples(grey)
    np.testing.assert_allclose(
        values(model.get_layer("tiny"), x.repeat(3, axis=-1)).mean(axis=(1, 2)),
        values(keras.Model(model.input, model.get_layer("pool").output), x),
        rtol=1e-5,
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_the_policy_holds_for_every_layer_but_the_last(policy: str, tmp_path: Path) -> None:
    whole = keras.Sequential([classifier("nested"), keras.layers.Identity()])
    model = from_file(saved(whole, tmp_path / "base.keras"), policy=policy).model
    calls = [call for call in graph.walk(model).calls if isinstance(call.layer, keras.layers.Layer)]
    assert {call.layer.dtype_policy.name for call in calls[:-1]} == {policy}
    assert calls[-1].layer.dtype_policy.name == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert values(model, samples()).shape == (4, 3)


def test_statistics_of_the_data_survive_a_copy_of_the_weights(tmp_path: Path) -> None:
    adapted = keras.layers.Normalization()
    adapted.adapt(samples())
    base = keras.Sequential([keras.Input((None, None, 3)), adapted, keras.layers.Conv2D(4, 3)])
    model = from_file(saved(base, tmp_path / "base.keras")).model
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(values(copy.layers[1], samples()), values(base, samples()), rtol=1e-5)


def test_layers_that_were_frozen_learn_again(tmp_path: Path) -> None:
    base = backbone()
    base.trainable = False
    network = from_file(saved(base, tmp_path / "base.keras"), unfreeze="all")
    assert network.stages[1].trainable == ["tiny/stem", "tiny/block1a_dw", "tiny/block2a_conv", "logits"]


def test_stages(tmp_path: Path) -> None:
    path = saved(backbone(), tmp_path / "base.keras")

    def stages(**flags: Any) -> list[tuple[int, float, Any]]:
        return [(one.epochs, one.rate, one.trainable) for one in from_file(path, epochs=10, **flags).stages]

    last = ["tiny/block1a_dw", "tiny/block2a_conv", "logits"]
    assert stages() == [(10, 1.0, ["logits"])]
    assert stages(unfreeze="2") == [(5, 1.0, ["logits"]), (5, 0.1, last)]
    assert stages(unfreeze="all", freeze_epochs=0, fine_tune_rate=0.3) == [(10, 0.3, ["tiny/stem", *last])]
    assert {*["tiny/stem", *last]} < {call.name for call in graph.walk(from_file(path).model).calls}
    with pytest.raises(UsageError, match="`--unfreeze` must be at most 3, the blocks of this network. Received: 4"):
        stages(unfreeze="4")


def test_a_file_in_a_bucket_and_one_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(backbone(), tmp_path / "base.keras")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_file("~/base.keras").model.layers[1].name == "tiny"
    with serve() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        server.put("bucket", "models/base.keras", path.read_bytes())
        flags: Any = {"cache_dir": str(tmp_path / "cache")}
        model = from_file("gs://bucket/models/base.keras", **flags).model
        np.testing.assert_array_equal(model.layers[1].get_weights()[0], backbone().get_weights()[0])
        with pytest.raises(UsageError, match=r"^`--model` must .* gs://bucket/models/none.keras"):
            from_file("gs://bucket/models/none.keras", **flags)


@keras.saving.register_keras_serializable("tests")
class Unknown(keras.layers.Layer):
    """Registered here, and not where the file is read."""

    def call(self, inputs: Any) -> Any:
        return inputs


def _unknown(path: Path) -> None:
    saved(keras.Sequential([keras.Input((None, None, 3)), Unknown(), keras.layers.Conv2D(4, 3)]), path)
    _edit(path, "Unknown", "Elsewhere")


def _edit(path: Path, before: str, after: str) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = files["config.json"].replace(before.encode(), after.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def _lambda(path: Path) -> None:
    inputs = keras.Input((None, None, 3))
    code = keras.layers.Lambda(lambda x: x * 2, name="double")
    saved(keras.Model(inputs, keras.layers.Conv2D(4, 3)(code(inputs))), path)


def _truncated(path: Path) -> None:
    saved(backbone(), path)
    path.write_bytes(path.read_bytes()[:-1000])


def _two_inputs(path: Path) -> None:
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    saved(keras.Model(inputs, keras.layers.Add()(inputs)), path)


def _of(*unbuilt: Any) -> Callable[[Path], Any]:
    return lambda path: saved(keras.Sequential([*unbuilt]), path)


def _other_json(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps([1, 2]))


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: None, "no such file"),
    "a folder": (lambda path: path.mkdir(), "a folder"),
    "text": (lambda path: path.write_text("weights"), "not a .keras file"),
    "empty": (lambda path: path.touch(), "not a .keras file"),
    "truncated": (_truncated, "not a .keras file, or an incomplete one"),
    "another zip": (lambda path: zipfile.ZipFile(path, "w").close(), "not a .keras file"),
    "a zip with another config": (_other_json, "Keras can read"),
    "a Lambda": (_lambda, "layer double"),
    "an unknown class": (_unknown, "the class Elsewhere is unknown"),
    "two inputs": (_two_inputs, "one input and one output"),
    "signals": (_of(keras.Input((20, 3)), keras.layers.Conv1D(2, 3)), r"\(None, 20, 3\)"),
    "tokens": (_of(keras.Input((8, 8, 3)), keras.layers.Reshape((64, 3))), r"returns \(None, 64, 3\)"),
    "four channels": (_of(keras.Input((8, 8, 4)), keras.layers.Conv2D(2, 3)), r"which accepts \(None, 8, 8, 4\)"),
}


@pytest.mark.filterwarnings("ignore:The `lambda`")
@pytest.mark.parametrize("case", BAD)
def test_rejects_files(case: str, tmp_path: Path) -> None:
    make, reason = BAD[case]
    path = tmp_path / "bad.keras"
    make(path)
    with pytest.raises(UsageError, match=reason) as failure:
        from_file(path)
    assert str(failure.value).startswith("`--model` must ") and str(path) in str(failure.value)
    assert "\n" not in str(failure.value)


def test_rejects_what_does_not_fit_the_data(tmp_path: Path) -> None:
    path = saved(backbone((None, None, 1)), tmp_path / "grey.keras")
    with pytest.raises(UsageError, match="`--color` must be grey"):
        from_file(path)
    for form in (Form((50,), 3), Form((8, 8, 8), 1)):
        for model in (path, "MobileNetV3Small"):
            with pytest.raises(UsageError, match="`--model` must be"):
                from_file(model, form)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("MobilNetV3Small", "MobileNetV3Small"), ("Resnet50", "ResNet50"), ("Vgg16", "VGG16")],
)
def test_a_mistyped_name_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"`--model` must be .*{meant}.* Received: {name}$"):
        build(HParams(model=name), FORM, 3)


def test_a_size_that_is_too_small_is_answered_with_the_least() -> None:
    with pytest.raises(UsageError, match=r"`--image_size` must be at least 32 .* Received: 0, the default, so 12x10"):
        build(HParams(model="MobileNetV2"), FORM, 3)


def module_of(name: str) -> Any:
    """Returns keras.applications' module of a network, which has its own `preprocess_input`."""
    if name.startswith("MobileNetV3"):  # whose functions its module has not
        return keras.applications.mobilenet_v3
    function = getattr(keras.applications, name)
    modules = [getattr(keras.applications, one) for one in dir(keras.applications) if one.islower()]
    found = [one for one in modules if getattr(one, name, None) is function]
    return found[0]


@pytest.mark.parametrize("name", pretrained.names())
@pytest.mark.parametrize("form", [Form((8, 8), 3), Form((8, 8), 1, 0.0, 16.0)], ids=["colour", "grey"])
def test_preprocessing_is_keras_s_own(name: str, form: Form) -> None:
    layer = layers.Preprocessing(pretrained.mode(name), form.low, form.high)
    again = layers.Preprocessing.from_config(layer.get_config())
    x = samples(form)
    raw = ((x - form.low) * (255 / (form.high - form.low))).repeat(3 // form.channels, axis=-1)
    expected = module_of(name).preprocess_input(raw.copy())
    np.testing.assert_allclose(values(again, x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("arguments", [{"mode": "imagenet"}, {"low": 5.0, "high": 5.0}])
def test_rejects_preprocessing(arguments: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        layers.Preprocessing(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "ConvNeXtTiny",
        "DenseNet121",
        "EfficientNetB0",
        "EfficientNetV2B0",
        "InceptionResNetV2",
        "InceptionV3",
        "MobileNet",
        "MobileNetV2",
        "MobileNetV3Small",
        "NASNetMobile",
        "ResNet50",
        "ResNet50V2",
        "VGG16",
        "Xception",
    ],
)
def test_a_network_of_keras_applications_at_its_least_size(name: str) -> None:
    least = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}.get(name, 32)
    with pytest.raises(UsageError, match=f"`--image_size` must be at least {least} for `--model={name}`. Received: 31"):
        build(HParams(model=name, image_size=31), Form((31, 31), 3), 3)
    form = Form((least, least), 1)
    network = build(HParams(model=name, image_size=least, epochs=3), form, 3, "mixed_bfloat16")
    assert [(stage.epochs, stage.trainable) for stage in network.stages] == [(3, None)]
    nested = next(layer for layer in network.model.layers if isinstance(layer, keras.Model))
    calls = [call for call in graph.walk(nested).calls if isinstance(call.layer, keras.layers.Layer)]
    assert {call.layer.dtype_policy.name for call in calls} == {"mixed_bfloat16"}
    assert np.isfinite(values(network.model, samples(form, 2))).all()
