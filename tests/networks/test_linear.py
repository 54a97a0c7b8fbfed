from pathlib import Path

import keras
import numpy as np
import pytest

from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.networks import build

LINEAR = HParams(model="linear")


@pytest.mark.parametrize("sizes", [(1,), (40,), (12, 9), (8, 7, 6)])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_weights_are_one_picture_a_class(sizes: tuple[int, ...], policy: str) -> None:
    form = Form(sizes, 2, low=-1, high=1)
    model = build(LINEAR, form, 3, policy).model
    logits, samples = model.get_layer("logits"), np.random.default_rng(0).integers(-1, 2, (4, *form.shape))
    logits.bias.assign([1.0, 2.0, 3.0])
    pictures = keras.ops.convert_to_numpy(logits.kernel).reshape(*form.shape, 3)
    expected = np.array([1, 2, 3]) + np.tensordot((samples + 1) / 2, pictures, len(form.shape))  # 0, 0.5, 1: exact
    given = keras.ops.convert_to_numpy(model(samples.astype(np.float32)))
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)


def test_gives_the_same_when_saved_and_loaded(tmp_path: Path) -> None:
    model, samples = build(LINEAR, Form((5, 6), 1), 3).model, np.random.default_rng(0).integers(0, 256, (3, 5, 6, 1))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(samples), keras.models.load_model(tmp_path / "model.keras")(samples))


@pytest.mark.parametrize(
    ("image_size", "message"),
    [
        (4096, "`--image_size` must be at most 4082 here, .* Received: 4096, for one of 503,316,490$"),
        (0, "`--image_size` must be at most 4082 here, .* Received: 0, the default, so 4096x4096, for one of"),
    ],
)
def test_rejects_more_parameters_than_memory_holds(image_size: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(HParams(model="linear", image_size=image_size), Form((4096, 4096), 3), 10)
