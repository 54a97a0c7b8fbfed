from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.layers import AveragePredictions

OUTPUTS = np.random.default_rng(0).normal(0, 5, (3, 7, 4)).astype(np.float32)  # networks, samples, outputs
LINKS = {"softmax": tf.nn.softmax, "sigmoid": tf.sigmoid, "linear": tf.identity}


@pytest.mark.parametrize("activation", LINKS)
def test_gives_the_mean_of_the_predictions(activation: str) -> None:
    link = LINKS[activation]
    found = link(AveragePredictions(activation)([*OUTPUTS]))
    np.testing.assert_allclose(found, np.mean([link(one) for one in OUTPUTS], 0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_certain_networks_give_finite_logits(activation: str) -> None:
    certain = [np.float32([[200, -200, 0]]), np.float32([[-200, 200, 0]])]
    found = AveragePredictions(activation)(certain)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(LINKS[activation](found)[0, :2], [0.5, 0.5], rtol=1e-5)


def test_is_saved_with_its_activation(tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    outputs = AveragePredictions("sigmoid")([inputs, keras.layers.Rescaling(2.0)(inputs)])
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    read = keras.saving.load_model(tmp_path / "model.keras")
    assert read.layers[-1].activation == "sigmoid"
    np.testing.assert_allclose(read(OUTPUTS[0]), model(OUTPUTS[0]), rtol=1e-6)
    assert read.output_shape == (None, 4)


def test_rejects_another_activation() -> None:
    with pytest.raises(ValueError, match="`activation` must be one of softmax, sigmoid, linear. Received: 'relu'"):
        AveragePredictions("relu")
