"""An export of each format answers as its model does."""

import io
import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.serving.formats import digits
from trainer import networks
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.layers import Conv1D, Conv2D, Conv3D
from trainer.serving.formats import export, measure, network
from trainer.serving.formats.export import Asked
from trainer.serving.formats.known import FORMATS
from trainer.serving.formats.network import Source

FORMS = {1: Form((40,), 2), 2: Form((9, 8), 3), 3: Form((6, 6, 6), 1)}
_NEEDS = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}


def _convert(folder: Path, **asked: object) -> list[str]:
    return export.convert(Asked(model=str(folder), **asked), folder, Console(file=io.StringIO()))


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_SECONDS", 0.01)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small network for images, trained in bfloat16 as its card says; beside it data.npz."""
    folder = tmp_path_factory.mktemp("exported")
    keras.utils.set_random_seed(0)
    made = networks.build(HParams(model="convolutional", filters=2, dense_units=4), FORMS[2], 3, "mixed_bfloat16").model
    digits.data(folder / "data.npz", FORMS[2])
    return digits.exported(folder / "model", made, FORMS[2], "bfloat16")


@pytest.mark.parametrize("format", FORMATS)
def test_answers_as_the_model_and_describes_itself(
    format: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if format in _NEEDS:
        pytest.importorskip(_NEEDS[format])
    out, data = tmp_path / "new" / "out", model.parent / "data.npz"
    lines = _convert(model, format=format, out=str(out), data=str(data))
    record = json.loads((out / "export.json").read_text())
    assert record["parity"]["difference"] <= measure.MOST
    assert record["parity"]["own"] > record["parity"]["difference"]  # of bfloat16
    assert record["parity"]["samples"] == "12 test images of data.npz"
    assert record["size"] == sum(file["size"] for file in record["files"])
    assert f"{record['size']:,} bytes" in lines[0]
    assert "bfloat16" in lines[1]
    assert not [path for path in out.parent.iterdir() if path != out]
    # What the card says works: it is run as it stands.
    readme = (out / "README.md").read_text()
    monkeypatch.chdir(out)
    names = {"samples": digits.samples(FORMS[2], 3)}
    exec(readme.partition("```python\n")[2].partition("```")[0], names)
    assert names["probabilities"].shape == (3, 3)
    assert tuple(names.get("classes", digits.CLASSES)) == digits.CLASSES
    if format == "keras":  # again, in the same place
        assert _convert(model, format=format, out=str(out), data=str(data))[0].startswith(f"{out}/model.keras: ")


def test_litert_has_the_class_names_and_the_form_in_its_file(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    _convert(model, format="litert", out=str(tmp_path / "a.tflite"), data=str(model.parent / "data.npz"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tflite", "a.tflite.json", "a.tflite.md"]
    with zipfile.ZipFile(tmp_path / "a.tflite") as archive:
        assert json.loads(archive.read("form.json")) == {**FORMS[2].to_json(), "classes": [*digits.CLASSES]}


def test_integers_agree_on_the_classes_or_are_refused(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    asked = {"format": "litert", "quantize": "int8", "data": str(model.parent / "data.npz")}
    _convert(model, **asked, agreement=0.01, out=str(tmp_path / "out"))
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record["parity"]["least_agreement"] == 0.01
    assert record["parity"]["difference"] > 1e-5
    found = record["parity"]["agreement"]
    if found < 1:
        with pytest.raises(UsageError, match="must choose the model's class for at least"):
            _convert(model, **asked, agreement=1.0, out=str(tmp_path / "other"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _layers(rank: int) -> dict[str, list[keras.layers.Layer]]:
    kind = {1: Conv1D, 2: Conv2D, 3: Conv3D}[rank]
    pools = [keras.layers.MaxPooling3D, keras.layers.AveragePooling3D]
    return {
        "borders": [kind(2, 3, padding="same", padding_mode=one) for one in ("reflect", "circular", "replicate")],
        "causal": [kind(2, 3, padding="causal", dilation_rate=2)],
        "dilated": [kind(2, 3, padding="same", dilation_rate=2), kind(2, 3, dilation_rate=2, strides=2)],
        "groups": [kind(4, 3, padding=1), kind(4, 3, padding="same", groups=2), kind(4, 3, groups=4, strides=2)],
        **({"pooling": [pool(size, 2, padding) for pool in pools for size, padding in ((2, "same"), (3, "same"))]}
           if rank == 3 else {}),
    }  # fmt: skip


@pytest.mark.parametrize("format", ["litert", "onnx"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_layer_becomes_builtin_operations(rank: int, format: str, tmp_path: Path) -> None:
    pytest.importorskip(_NEEDS[format])
    inputs = keras.Input(FORMS[rank].shape)
    scaled = keras.layers.Rescaling(1 / 255)(inputs)
    ends = []
    for layers in _layers(rank).values():
        x = scaled
        for layer in layers:
            x = layer(x)
        ends.append(keras.layers.Flatten()(x))
    made = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Concatenate()(ends)))
    source = Source(made, digits.OUTPUTS, FORMS[rank])
    FORMATS[format].write(source, tmp_path / "file", None)
    samples = digits.samples(FORMS[rank], 3)
    for some in (samples, samples[:1]):  # batches of any size
        found = FORMATS[format].run(tmp_path / "file", 1)(some)
        np.testing.assert_allclose(found, source.runner()(some), atol=1e-5)


def test_a_difference_is_refused_with_the_figure(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "MOST", -1.0)
    with pytest.raises(UsageError, match=r"to -1\. Received: a difference of .* on 12 test images of data\.npz"):
        _convert(model, format="keras", out=str(tmp_path / "out"), data=str(model.parent / "data.npz"))
    assert not [*tmp_path.iterdir()]


def test_an_operation_that_litert_lacks_is_named(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    inputs = keras.Input((3, 1))
    made = keras.Model(inputs, keras.ops.erfinv(keras.layers.Dense(3)(keras.layers.Flatten()(inputs))))
    with pytest.raises(UsageError, match="operations that LiteRT has; .* Received: one with Erfinv"):
        FORMATS["litert"].write(Source(made, digits.OUTPUTS, Form((3,), 1)), tmp_path / "file", None)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_pretrained_network_answers_the_same(format: str, tmp_path: Path) -> None:
    if format in _NEEDS:
        pytest.importorskip(_NEEDS[format])
    form = Form((64, 64), 3)
    keras.utils.set_random_seed(0)
    made = networks.build(HParams(model="MobileNetV2"), form, 3, "mixed_bfloat16").model
    source = Source(network.in_float32(made), digits.OUTPUTS, form)
    path = tmp_path / ("model.keras" if format == "keras" else "model")
    FORMATS[format].write(source, path, None)
    images = digits.samples(form, 3)
    np.testing.assert_allclose(FORMATS[format].run(path, 1)(images), source.runner()(images), atol=measure.MOST)
