import dataclasses
import datetime
import io
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from trainer.data.form import Form
from trainer.environment import Environment
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.insight import graph
from trainer.networks import build
from trainer.networks.network import Network
from trainer.run import train

SMALL = HParams(model="residual", filters=4, depth=1)


def _built(sizes: tuple[int, ...], channels: int = 3, policy: str = "float32", **values: object) -> Network:
    hparams = dataclasses.replace(SMALL, **values)  # type: ignore[arg-type]
    return build(hparams, Form(sizes, channels), 5, policy)


def _maps(model: keras.Model) -> list[tuple[int, ...]]:
    """Returns the shape of what the stem and then each block gives."""
    layers = [layer for layer in model.layers if layer.name.startswith("stem")][-1:]
    layers += [layer for layer in model.layers if layer.name.endswith("_sum")]
    return [layer.output.shape[1:] for layer in layers]


@pytest.mark.parametrize(
    ("sizes", "maps"),
    [
        ((1,), [(1, 4), (1, 4), (1, 8), (1, 16)]),
        ((150,), [(150, 4), (150, 4), (75, 8), (38, 16)]),
        ((16000,), [(250, 4), (250, 4), (125, 8), (63, 16)]),
        ((8, 8), [(8, 8, 4), (8, 8, 4), (4, 4, 8), (4, 4, 16), (4, 4, 32)]),
        ((28, 28), [(28, 28, 4), (28, 28, 4), (14, 14, 8), (7, 7, 16), (7, 7, 32)]),
        ((32, 32), [(32, 32, 4), (32, 32, 4), (16, 16, 8), (8, 8, 16), (4, 4, 32)]),
        ((224, 224), [(28, 28, 4), (28, 28, 4), (14, 14, 8), (7, 7, 16), (7, 7, 32)]),
        ((512, 512), [(32, 32, 4), (32, 32, 4), (16, 16, 8), (8, 8, 16), (4, 4, 32)]),
        ((512, 3), [(32, 3, 4), (32, 3, 4), (16, 3, 8), (8, 3, 16), (4, 3, 32)]),
        ((16, 40, 9), [(16, 20, 9, 2), (16, 20, 9, 2), (8, 10, 5, 4), (4, 5, 5, 8), (4, 5, 5, 16)]),
    ],
)
def test_last_map_has_few_positions_at_any_size(sizes: tuple[int, ...], maps: list[tuple[int, ...]]) -> None:
    model = _built(sizes).model
    assert _maps(model) == maps
    assert model.output_shape == (None, 5)


@pytest.mark.parametrize("depth", [1, pytest.param(16, marks=pytest.mark.slow)])
def test_number_of_parameters_does_not_depend_on_the_size(depth: int) -> None:
    counts = {_built((side, side), depth=depth, filters=1).model.count_params() for side in (1, 8, 224)}
    assert len(counts) == 1


def test_default_has_2_8_million_parameters_at_224_pixels() -> None:
    model = build(HParams(model="residual"), Form((224, 224), 3), 10).model
    assert sum(variable.numpy().size for variable in model.trainable_variables) == 2_797_610
    assert len(graph.walk(model).convolutions) == 1 + 2 * 8 + 3  # the stem, the branches, the shortcuts


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("filters", [1, 6, 7, 8])
def test_is_finite_float32_from_grey_or_coloured_samples(policy: str, filters: int) -> None:
    for channels in (1, 3):
        model = _built((9, 40), channels, policy, filters=filters).model
        given = keras.ops.convert_to_numpy(model(np.full((2, 9, 40, channels), 255, np.uint8), training=True))
        assert given.dtype == np.float32 and given.shape == (2, 5) and np.isfinite(given).all()
        assert {layer.dtype_policy.name for layer in model.layers[1:-1]} == {policy}


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_first_outputs_do_not_explode_with_the_depth(activation: str) -> None:
    model = _built((24, 24), depth=8, activation=activation).model
    samples = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3))
    assert np.abs(keras.ops.convert_to_numpy(model(samples, training=True))).max() < 20


def test_gives_the_same_when_saved_and_loaded(tmp_path: Path) -> None:
    model, samples = _built((12, 50), 2).model, np.random.default_rng(0).integers(0, 256, (3, 12, 50, 2))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(samples), loaded(samples))


def test_seed_fixes_the_weights() -> None:
    def weights() -> list[np.ndarray]:
        keras.utils.set_random_seed(3)
        return list(_built((8, 8)).model.get_weights())

    for one, other in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"filters": 10**6}, r"`--filters` must be at most \d+ here, .* Received: 1000000, for one of 1,19"),
        ({"filters": 1000, "depth": 2}, "`--filters` must be at most 428 here, "),
        ({"filters": 500, "depth": 4}, "`--filters` must be at most 293 here, .* Received: 500, for one of 1,4"),
    ],
)
def test_rejects_more_parameters_than_memory_holds(values: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _built((224, 224), **values)


@pytest.mark.slow
def test_learns_real_digits(tmp_path: Path) -> None:
    hparams = dataclasses.replace(SMALL, epochs=4, filters=8, batch_size=32, augment="none", log_images="never")
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    assert train.run(hparams, environment, Console(file=io.StringIO())).test_accuracy > 0.9
