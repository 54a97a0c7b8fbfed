"""Two made-up tuning problems with a known optimum: a validation accuracy over a small network's flags.

The optimum of `centred` is near the middle of the axes, that of `off_centre` is not. Both drop sharply if the learning
rate is far above the best one, as for a run that diverges, and their terms interact. `turned` creates variants, because
a search that was developed on these two problems could fit them alone.
"""

import itertools
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

from trainer.study.spec import LOG, Parameter

NOISE = 0.005  # standard deviation; about that of a small network's validation accuracy over seeds
PARAMETERS = (
    Parameter(name="filters", kind="discrete", values=(16.0, 32.0, 64.0, 128.0), scale=LOG),
    Parameter(name="kernel_size", kind="discrete", values=(3.0, 5.0, 7.0)),
    Parameter(name="stride", kind="discrete", values=(1.0, 2.0)),
    Parameter(name="padding", kind="categorical", values=("same", "valid")),
    Parameter(name="learning_rate", kind="double", low=1e-5, high=1e-1, scale=LOG),
)

Objective = Callable[[Mapping[str, Any]], float]


def centred(values: Mapping[str, Any]) -> float:
    """Returns the accuracy for some flags; the best is at 64 padded filters of 5x5 pixels and a rate near 8e-4."""
    filters, kernel, stride, valid, rate = _places(values)
    return (
        0.90
        - _rate_loss(rate - (-2.6 - 0.25 * filters + 0.3 * stride))
        - 0.012 * (filters - 2.2) ** 2
        - 0.010 * (kernel - 1) ** 2
        - 0.03 * stride
        - 0.015 * valid
        - 0.02 * (valid and kernel >= 2)
        - 0.015 * (stride * (filters < 1))
    )


def off_centre(values: Mapping[str, Any]) -> float:
    """Returns the accuracy for some flags; the best is at an edge, 16 unpadded filters of 7x7 pixels, near 1.6e-4."""
    filters, kernel, stride, valid, rate = _places(values)
    return (
        0.90
        - _rate_loss(rate - (-3.8 + 0.35 * filters + 0.3 * stride))
        - 0.010 * (filters - 0.2) ** 2
        - 0.010 * (kernel - 2) ** 2
        - 0.03 * stride
        - 0.015 * (not valid)
        - 0.02 * ((not valid) and kernel >= 2)
        - 0.015 * (stride * (filters > 1))
    )


def turned(objective: Objective, seed: int) -> Objective:
    """Returns another problem: its axes mirrored at random, and the best rate up to ten times higher or lower."""
    draw = random.Random(seed)
    mirrored = [parameter.name for parameter in PARAMETERS if parameter.values and draw.random() < 0.5]
    factor = 10 ** draw.uniform(-1, 1)

    def other(values: Mapping[str, Any]) -> float:
        lists = {parameter.name: parameter.values for parameter in PARAMETERS if parameter.name in mirrored}
        mirror = {name: listed[-1 - listed.index(values[name])] for name, listed in lists.items()}
        return objective({**values, **mirror, "learning_rate": values["learning_rate"] * factor})

    return other


def noisy(objective: Objective, values: Mapping[str, Any], draw: random.Random) -> float:
    """Returns the accuracy that a trial reports."""
    return objective(values) + draw.gauss(0, NOISE)


def optimum(objective: Objective) -> float:
    """Returns the highest accuracy on a grid that is dense along the learning rate."""
    *listed, rate = PARAMETERS
    names = [parameter.name for parameter in listed]
    rates = [rate.low * (rate.high / rate.low) ** (step / 400) for step in range(401)]
    points = itertools.product(*(parameter.values for parameter in listed))
    return max(
        objective({**dict(zip(names, point, strict=True)), rate.name: value}) for point in points for value in rates
    )


def _places(values: Mapping[str, Any]) -> tuple[float, float, float, bool, float]:
    return (
        math.log2(values["filters"]) - 4,
        (values["kernel_size"] - 3) / 2,
        values["stride"] - 1,
        values["padding"] == "valid",
        math.log10(values["learning_rate"]),
    )


def _rate_loss(distance: float) -> float:
    return 0.10 * math.tanh(abs(distance) / 1.2) ** 1.5 + (0.35 if distance > 1.4 else 0.0)
