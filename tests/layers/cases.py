"""Random convolutions for the property tests: every combination of arguments that gives an output at all."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests.layers import oracle
from trainer import layers

LAYERS = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}
MODES = ("zeros", "constant", "replicate", "symmetric", "reflect", "circular")


@dataclass(frozen=True)
class Case:
    """One convolution; `x`, `kernel` and `bias` are float64 and channels last."""

    rank: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int
    padding: Any
    mode: str
    value: float
    data_format: str
    dtype: str
    x: oracle.Array = field(repr=False)
    kernel: oracle.Array = field(repr=False)
    bias: oracle.Array = field(repr=False)

    def layer(self, **changes: Any) -> Any:
        """Returns our layer with this case's weights, built."""
        arguments = {
            "filters": self.kernel.shape[-1],
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilations,
            "groups": self.groups,
            "padding_mode": self.mode,
            "padding_value": self.value,
            "dtype": self.dtype,
        }
        layer = LAYERS[self.rank](**{**arguments, **changes})
        layer.build((None, *self.given().shape[1:]))
        layer.set_weights([self.kernel, self.bias])
        return layer

    def given(self) -> oracle.Array:
        """Returns x as the layer takes it."""
        return np.moveaxis(self.x, -1, 1) if self.data_format == "channels_first" else self.x

    def last(self, y: Any) -> oracle.Array:
        """Returns an output (or an input's gradient) of the layer as float64, channels last."""
        y = np.asarray(y).astype("float64")
        return np.moveaxis(y, 1, -1) if self.data_format == "channels_first" else y

    @property
    def pairs(self) -> list[tuple[int, int]]:
        sizes = self.x.shape[1:-1]
        return oracle.pairs_of(self.padding, sizes, self.kernel_size, self.strides, self.dilations)

    def expected(self, x: oracle.Array, kernel: oracle.Array, bias: oracle.Array) -> oracle.Array:
        """Returns the oracle's output."""
        how = (self.strides, self.dilations, self.groups, self.pairs, self.mode, self.value)
        return oracle.convolve(x, kernel, bias, *how)


def _fits(case: Case) -> bool:
    for size, pair, kernel, dilation in zip(
        case.x.shape[1:-1], case.pairs, case.kernel_size, case.dilations, strict=True
    ):
        limit = {"reflect": size - 1, "symmetric": size, "circular": size}.get(case.mode, 99)
        if max(pair) > limit or size + sum(pair) < (kernel - 1) * dilation + 1:
            return False
    return True


@st.composite
def convolutions(
    draw: st.DrawFn, dtypes: tuple[str, ...] = ("float32", "float64"), batches: tuple[int, ...] = (1, 2, 0)
) -> Case:
    """Draws a convolution whose output is not empty (but for its batch)."""

    def axes(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    rank = draw(st.integers(1, 3))
    most = (9, 7, 4)[rank - 1]
    groups, channels, filters = (draw(st.sampled_from(which)) for which in ((1, 2, 3), (1, 2), (1, 2)))
    pair = st.tuples(st.integers(0, 3), st.integers(0, 3))
    mode = draw(st.sampled_from(MODES))
    names = ("same", "causal") if mode != "zeros" else ("valid", "same", "causal")
    padding = draw(st.one_of(st.sampled_from(names), st.tuples(*[pair] * rank)))
    kernel_size = axes(1, 3)
    numbers = np.random.default_rng(draw(st.integers(0, 99)))
    case = Case(
        rank=rank,
        kernel_size=kernel_size,
        strides=axes(1, 3),
        dilations=axes(1, 3),
        groups=groups,
        padding=padding,
        mode=mode,
        value=draw(st.sampled_from((-1.5, 2.0))) if mode == "constant" else 0.0,
        data_format=draw(st.sampled_from(("channels_last", "channels_first"))),
        dtype=draw(st.sampled_from(dtypes)),
        x=numbers.normal(size=(draw(st.sampled_from(batches)), *axes(1, most), channels * groups)),
        kernel=numbers.normal(size=(*kernel_size, channels, filters * groups)),
        bias=numbers.normal(size=filters * groups),
    )
    assume(_fits(case))
    return case
