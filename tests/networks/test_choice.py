import pytest

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.networks import build, choose


@pytest.mark.parametrize(
    ("values", "sizes", "chosen"),
    [
        ({}, (8, 8), ("convolutional", "no side has more than 32 positions")),
        ({}, (32, 32), ("convolutional", "no side has more than 32 positions")),
        ({}, (33, 8), ("residual", "a side has more than 32 positions")),
        ({}, (20,), ("residual", "samples have 1 spatial axis")),
        ({}, (16, 16, 16), ("residual", "samples have 3 spatial axes")),
        ({"filters": 8, "depth": 3, "activation": "silu", "dropout": 0.1}, (96, 96), ("residual", "a side has more")),
        ({"kernel_size": 5}, (96, 96), ("convolutional", "selected by `--kernel_size`")),
        ({"stride": 2}, (96, 96), ("convolutional", "selected by `--stride`")),
        ({"padding": "valid"}, (96, 96), ("convolutional", "selected by `--padding`")),
        ({"dilation_rate": 2}, (96, 96), ("convolutional", "selected by `--dilation_rate`")),
        ({"dense_units": 4}, (96, 96), ("convolutional", "selected by `--dense_units`")),
        ({"model": "residual"}, (8, 8), ("residual", "selected by `--model=residual`")),
        ({"model": "linear"}, (8, 8), ("linear", "selected by `--model=linear`")),
        ({"model": "convolutional"}, (96, 96), ("convolutional", "selected by `--model=convolutional`")),
        ({"model": "MobileNetV3Small"}, (8, 8), ("keras.applications", "selected by `--model=MobileNetV3Small`")),
    ],
)
def test_auto_follows_from_flags_and_sizes(
    values: dict[str, object], sizes: tuple[int, ...], chosen: tuple[str, str]
) -> None:
    family, reason = choose(HParams(**values), Form(sizes, 1))  # type: ignore[arg-type]
    assert (family, reason[: len(chosen[1])]) == chosen


@pytest.mark.parametrize(
    ("values", "side", "name"),
    [
        ({}, 8, "convolutional_network"),
        ({}, 40, "residual_network"),
        ({"dense_units": 4}, 40, "convolutional_network"),
        ({"model": "linear"}, 40, "linear_network"),
    ],
)
def test_builds_what_is_chosen(values: dict[str, object], side: int, name: str) -> None:
    assert build(HParams(**values), Form((side, side), 1), 3).model.name == name  # type: ignore[arg-type]
