"""Every wrong argument at every rank, with its message."""

from typing import Any

import pytest

from tests.layers.cases import LAYERS
from trainer.layers import Conv2D

PADDING = "`padding` must be one of causal, same, valid, an integer, one per axis, or (before, after) pairs."
PER_AXIS = "must be a positive integer or one per axis ({rank})."

# Argument, value, kind, and the message but for what was received.
WRONG = [
    ("filters", 0, ValueError, "`filters` must be a positive integer."),
    ("filters", 2.0, TypeError, "`filters` must be a positive integer."),
    ("filters", None, TypeError, "`filters` must be a positive integer."),
    ("groups", 0, ValueError, "`groups` must be a positive integer."),
    ("groups", "2", TypeError, "`groups` must be a positive integer."),
    ("kernel_size", 0, ValueError, f"`kernel_size` {PER_AXIS}"),
    ("kernel_size", (3, 3, 3, 3), ValueError, f"`kernel_size` {PER_AXIS}"),
    ("kernel_size", 2.5, TypeError, f"`kernel_size` {PER_AXIS}"),
    ("strides", -1, ValueError, f"`strides` {PER_AXIS}"),
    ("strides", None, TypeError, f"`strides` {PER_AXIS}"),
    ("dilation_rate", 0, ValueError, f"`dilation_rate` {PER_AXIS}"),
    ("dilation_rate", "2", TypeError, f"`dilation_rate` {PER_AXIS}"),
    ("padding", "smae", ValueError, PADDING),
    ("padding", -1, ValueError, PADDING),
    ("padding", (1, 1, 1, 1), ValueError, PADDING),
    ("padding", None, TypeError, PADDING),
    ("data_format", "NHWC", ValueError, "`data_format` must be channels_last or channels_first."),
    ("dtype", "int8_from_float32", ValueError, "`dtype` must not quantise: this layer has no such form."),
]


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize(("name", "value", "kind", "rule"), WRONG)
def test_rejects_argument(rank: int, name: str, value: Any, kind: type[Exception], rule: str) -> None:
    with pytest.raises(kind) as caught:
        LAYERS[rank](**{"filters": 2, "kernel_size": 3, **{name: value}})
    assert str(caught.value) == f"{rule.format(rank=rank)} Received: {name}={value!r}"


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 3, "groups": 2}, "`filters` must be a multiple of groups=2. Received: filters=3"),
        (
            {"padding_mode": "reflect"},
            "`padding_mode` must be zeros with padding='valid'. Received: padding_mode='reflect'",
        ),
        (
            {"padding": "same", "padding_mode": "mirror"},
            "`padding_mode` must be one of zeros, constant, replicate, symmetric, reflect, circular. "
            "Received: padding_mode='mirror'",
        ),
        (
            {"padding": "same", "padding_value": 1},
            "`padding_value` must be a finite number, and 0 unless padding_mode='constant'. "
            "Received: 'zeros' with padding_value=1",
        ),
    ],
)
def test_rejects_combination(rank: int, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="Received") as caught:
        LAYERS[rank](**{"filters": 2, "kernel_size": 3, **arguments})
    assert str(caught.value) == message


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize("name", ["lora_rank", "lora_alpha", "quantization_config", "rank", "input_shape", "autocast"])
def test_refuses_by_name_what_it_does_not_know(rank: int, name: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        LAYERS[rank](2, 3, **{name: 1})


@pytest.mark.parametrize("rank", LAYERS)
def test_has_no_lora_and_no_quantised_form(rank: int) -> None:
    layer = LAYERS[rank](2, 3)
    layer.build((None, *(8,) * rank, 1))
    assert not hasattr(layer, "enable_lora")
    with pytest.raises(NotImplementedError):
        layer.quantize("int8")


@pytest.mark.parametrize("rank", LAYERS)
@pytest.mark.parametrize("verb", ["build", "compute_output_shape", "multiply_adds"])
def test_rejects_a_shape_without_an_output(rank: int, verb: str) -> None:
    layer = LAYERS[rank](2, 3, strides=2, dilation_rate=3, padding=1)
    with pytest.raises(ValueError, match="at least 1 output") as caught:
        getattr(layer, verb)((None, *(9,) * (rank - 1), 4, 1))
    assert str(caught.value) == (
        f"`input_shape` must leave at least 1 output on spatial axis {rank - 1} for a kernel of 3, dilation 3, "
        "stride 2 and padding (1, 1). Received: size 4"
    )


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"groups": 2}, (None, 8, 8, 3), "channels that are a multiple of groups=2. Received: input_shape=(None, 8"),
        ({}, (None, 8, 8, None), "channels that are a multiple of groups=1. Received: input_shape=(None, 8, 8, None)"),
        ({}, (None, 8, 8), "`input_shape` must have 4 axes. Received: input_shape=(None, 8, 8)"),
        ({"padding": 4, "padding_mode": "reflect"}, (None, 9, 4, 1), "`padding` must be at most 3 for padding_mode="),
    ],
)
def test_rejects_shape(arguments: dict[str, Any], shape: Any, message: str) -> None:
    with pytest.raises(ValueError, match="Received") as caught:
        Conv2D(4, 3, **arguments).build(shape)
    assert message in str(caught.value)


def test_multiply_adds_need_known_sizes() -> None:
    with pytest.raises(ValueError, match="`input_shape` must have known spatial sizes"):
        Conv2D(4, 3).multiply_adds((None, None, 8, 1))
