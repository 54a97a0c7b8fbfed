"""Explanations of an exported model's answers, and the server's route for them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.serving import models
from tests.serving.served import Client, served
from trainer.insight.attribution import Explainer
from trainer.serving import card, export, server
from trainer.serving.explanations import Explanation, Explanations
from trainer.serving.options import Options
from trainer.serving.predictor import BrokenSampleError, Predictor

SCORES = {"deletion": 0.1, "insertion": 0.9, "road": 0.5, "infidelity": 0.2, "faithfulness": 0.65}


@pytest.fixture(scope="module")
def client(predictor: Predictor) -> Iterator[Client]:
    with served(server.app(predictor, Options(model=""))) as client:
        yield client


def exported(folder: Path, method: str) -> Predictor:
    """Returns a model whose run found a method the most faithful."""
    model, folder = models.build(), folder / "model"
    folder.mkdir()
    found = {"method": method, "samples": 10, "scores": {method: SCORES}}
    export.save(model, folder, dataclasses.replace(models.about(model), explanation=found))
    return Predictor(folder)


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam", "integrated_gradients", "occlusion"])
def test_explains_by_the_method_that_scored_best(tmp_path: Path, method: str) -> None:
    predictor, samples = exported(tmp_path, method), models.pixels(3).astype(np.float32)
    explanations = Explanations(predictor)
    found = explanations.of_values(samples)
    assert explanations.method == method == card.read(predictor.folder)["explanation"]["method"]
    assert "## How far explanations can be believed" in (predictor.folder / card.README).read_text()
    model = models.build()
    logits, explainer = model.predict(samples, verbose=0), Explainer(model)
    blank = explainer.logits(np.zeros_like(samples), logits.argmax(1))
    for one, sample, row, base in zip(found, samples, logits, blank, strict=True):
        assert one.index == row.argmax()
        assert one.answer.name == models.CLASSES[one.index]
        assert one.map.shape == sample.shape[:-1]
        np.testing.assert_allclose([one.logit, one.baseline], [row.max(), base], rtol=1e-4)
        if method == "integrated_gradients":
            assert one.error is not None
            np.testing.assert_allclose(one.map.sum(), row.max() - base, rtol=0.02)
    if method.endswith("cam"):
        expected = getattr(explainer, method)(samples, logits.argmax(1))
        np.testing.assert_allclose([one.map for one in found], expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_explains_files_and_values_together(predictor: Predictor) -> None:
    pixels = models.pixels(3)
    contents = models.encoded(pixels)
    found = Explanations(predictor).of([contents[0], b"broken", pixels[1].astype(np.float32), contents[2][:40]])
    assert [type(one) for one in found] == [Explanation, BrokenSampleError, Explanation, BrokenSampleError]


@pytest.mark.parametrize("path", ["/explain", "/v1/endpoints/1:explain", "/:explain"])
def test_answers_in_the_form_of_vertex(client: Client, predictor: Predictor, path: str) -> None:
    pixels = models.pixels(2)
    status, _, answer = client.post(path, *pixels.tolist())
    assert status == 200
    assert [one["class"] for one in answer["predictions"]] == [one.name for one in predictor.of_values(pixels)]
    for explained, prediction in zip(answer["explanations"], answer["predictions"], strict=True):
        (attribution,) = explained["attributions"]
        assert attribution["outputDisplayName"] == prediction["class"]
        assert attribution["outputIndex"] == [int(np.argmax(prediction["probabilities"]))]
        assert np.shape(attribution["featureAttributions"]["image"]) == models.SHAPE[:-1]
        assert attribution["instanceOutputValue"] != attribution["baselineOutputValue"]


def test_names_a_broken_instance(client: Client) -> None:
    status, _, answer = client.post("/explain", {"b64": "AAAA"})
    assert status == 400
    assert answer == {"error": "instances[0] must be an image. Received: not JPEG, PNG, GIF, BMP or WebP"}


def test_a_model_with_layers_of_ones_own_predicts_and_says_why_it_cannot_explain(tmp_path: Path) -> None:
    class Doubled(keras.layers.Layer):
        def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
            return 2 * values

    model = models.build()
    own = keras.Sequential([keras.Input(models.SHAPE), Doubled(), *model.layers])
    folder = tmp_path / "model"
    folder.mkdir()
    export.save(own, folder, models.about(own), with_graph=True)
    instances = models.pixels(1).tolist()
    with served(server.app(Predictor(folder), Options(model=""))) as client:
        assert client.post("/predict", *instances)[0] == 200
        status, _, answer = client.post("/explain", *instances)
    assert status == 501
    assert "the class Doubled is unknown" in answer["error"]
