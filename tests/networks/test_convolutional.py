import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import layers
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import ACTIVATIONS, PADDINGS, HParams
from trainer.networks import build, remedy

FORM = Form((28, 28), 1)


def test_default_is_the_seed_network() -> None:
    model = build(HParams(), FORM, 10).model
    told = [(type(layer).__name__, layer.name, tuple(layer.output.shape[1:])) for layer in model.layers]
    assert told == [
        ("Rescaling", "scale", (28, 28, 1)),
        ("Conv2D", "conv1", (28, 28, 32)),
        ("Conv2D", "conv2", (28, 28, 64)),
        ("MaxPooling2D", "pool", (14, 14, 64)),
        ("Activation", "activation", (14, 14, 64)),
        ("Dropout", "map_dropout", (14, 14, 64)),
        ("Flatten", "flatten", (12544,)),
        ("Dense", "dense", (128,)),
        ("Dropout", "unit_dropout", (128,)),
        ("Dense", "logits", (10,)),
    ]
    assert sum(v.numpy().size for v in model.trainable_variables) == 320 + 18_496 + 1_605_760 + 1_290
    assert isinstance(model.get_layer("conv1"), layers.Conv2D)
    assert model.get_layer("conv1").kernel_size == (3, 3)
    assert model.get_layer("logits").activation is keras.activations.linear


def test_scales_raw_pixels_itself() -> None:
    model = build(HParams(), FORM, 10).model
    pixels = np.full((1, 28, 28, 1), 255, np.uint8)
    np.testing.assert_allclose(model.get_layer("scale")(pixels), 1.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    filters=st.integers(1, 4),
    depth=st.integers(1, 3),
    kernel_size=st.integers(1, 6),
    stride=st.integers(1, 4),
    padding=st.sampled_from(PADDINGS),
    dilation_rate=st.integers(1, 3),
    activation=st.sampled_from(ACTIVATIONS),
    size=st.integers(4, 12),
)
def test_any_combination_either_runs_or_is_refused_with_a_flag_that_helps(size: int, **values: object) -> None:
    hparams, form = HParams(dense_units=2, **values), Form((size, size + 1), 1)  # type: ignore[arg-type]
    try:
        model = build(hparams, form, 3).model
    except UsageError as error:
        flag = str(error).split("`")[1].removeprefix("--")
        if " would do" in str(error):
            text = re.search(r"\((\w+) would do\)", str(error))[1]  # type: ignore[index]
            value = int(text) if text.isdecimal() else text
            build(*remedy.changed(hparams, form, flag, value), 3)
    else:
        assert model(np.zeros((2, size, size + 1, 1))).shape == (2, 3)


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"stride": 9}, "--stride"),
        ({"padding": "valid", "kernel_size": 20}, "--padding"),
        ({"padding": "valid", "kernel_size": 29, "depth": 1}, "--padding"),
        ({"filters": 10**6}, "--filters"),
        ({"depth": 16}, "--depth"),
        ({"dense_units": 10**9}, "--dense_units"),
        ({"filters": 20_000, "dense_units": 500_000, "depth": 14}, "--filters`, `--depth` and `--dense_units"),
    ],
)
def test_rejects_a_network_that_cannot_be(values: dict[str, object], flag: str) -> None:
    with pytest.raises(UsageError, match=f"`{flag}`"):
        build(HParams(**values), FORM, 10)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "values", "message"),
    [
        (1024, {"image_size": 1024}, "`--image_size` must be at most 495 here, .* Received: 1024, for one of 2,147"),
        (1024, {"image_size": 1024, "filters": 8}, "`--image_size` must be at most 989 here"),
        (1024, {}, "`--image_size` must be at most 495 here, .* Received: 0, the default, so 1024x1024, for one of"),
        (1, {"image_size": 1}, r"`--image_size` .* \(2 would do\) on images of 1x1\. Received: 1$"),
        (1, {}, r"`--image_size` .* \(2 would do\) on images of 1x1\. Received: 0, the default, so 1x1$"),
        (28, {"stride": 20}, r"`--stride` .* \(5 would do\) .* Received: 20$"),
    ],
)
def test_blames_a_flag_that_was_given_or_says_that_it_was_not(
    size: int, values: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        build(HParams(model="convolutional", **values), Form((size, size), 3), 10)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ((2,), {"stride": 2}, r"`--stride` .* \(1 would do\) on signals of 2\. Received: 2$"),
        ((1,), {}, r"`--length` .* \(2 would do\) on signals of 1\. Received: 0, the default, so 1$"),
        ((1, 1, 1), {}, r"`--volume_size` .* \(2 would do\) on volumes of 1x1x1\. Received: 0, the default, so 1x1x1$"),
        ((300_000,), {}, r"`--length` must be at most 122069 here, .* Received: 0, the default, so 300000, for one of"),
    ],
)
def test_blames_the_flag_of_the_samples_sizes(sizes: tuple[int, ...], values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(HParams(model="convolutional", **values), Form(sizes, 1), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("sizes", [(40,), (12, 9), (8, 7, 6)])
def test_is_built_for_every_rank(sizes: tuple[int, ...]) -> None:
    model = build(HParams(filters=2, dense_units=4), Form(sizes, 2, low=-1, high=1), 3).model
    assert model.output_shape == (None, 3)
    np.testing.assert_allclose(model.get_layer("scale")(np.array([-1.0, 0, 1])), [0, 0.5, 1])
