"""How an export compares with its model, how large it is and how fast."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.errors import UsageError
from trainer.hparams import CLASSES, NUMBERS
from trainer.objectives.outputs import Outputs
from trainer.serving.formats.network import Run, Values, by_batches
from trainer.serving.formats.samples import Samples

MOST = 1e-4  # difference of a probability
_SECONDS, _CALLS, _WARM = 1.0, 200, 5  # of the measurement of the latency: at most, at most, before it


@dataclass(frozen=True)
class Parity:
    """An export against its model.

    Attributes:
      difference: the largest of a probability, against the network in float32; of a number, as a share of its range.
      agreement: the share of samples for which both choose the same class or the same labels; None for numbers.
      own: the largest difference against the model's own answers, in the precision that it was trained in.
      own_agreement: the share of samples of the same class, or the same labels, as these; None for numbers.
      accuracy: of the export; None if the classes are unknown, and for labels and numbers.
      model_accuracy: of the network in float32, on the same samples.
    """

    difference: float
    agreement: float | None
    own: float
    own_agreement: float | None
    accuracy: float | None
    model_accuracy: float | None


def compare(found: Values, expected: Values, own: Values, samples: Samples, outputs: Outputs) -> Parity:
    """Returns the parity of probabilities, or numbers, each `(count, outputs)`.

    Args:
      found: of the export.
      expected: of the network in float32.
      own: of the model as it answers.
      samples: what they are of.
      outputs: what they mean.
    """
    targets = samples.targets
    return Parity(
        _difference(found, expected, outputs),
        _agreement(found, expected, outputs),
        _difference(found, own, outputs),
        _agreement(found, own, outputs),
        None if targets is None else float(np.mean(found.argmax(1) == targets)),
        None if targets is None else float(np.mean(expected.argmax(1) == targets)),
    )


def _difference(found: Values, expected: Values, outputs: Outputs) -> float:
    """Returns the largest difference; NaN if a value is not finite.

    Of numbers it is a share of their range over the samples, or of a hundredth of the largest one, which their rounding
    in float32 needs.
    """
    if not np.isfinite(found).all():
        return float("nan")
    scale = np.ones(found.shape[1])
    if outputs.target == NUMBERS:
        scale = np.maximum(np.ptp(expected, axis=0), np.abs(expected).max(0) / 100)
    return float((np.abs(found - expected) / np.where(scale > 0, scale, 1)).max())


def _agreement(found: Values, expected: Values, outputs: Outputs) -> float | None:
    """Returns the share of samples with the same class, or the same labels; None for numbers."""
    if outputs.target == NUMBERS:
        return None
    if outputs.target == CLASSES:
        return float(np.mean(found.argmax(1) == expected.argmax(1)))
    thresholds = np.array(outputs.content()["thresholds"], np.float32)
    return float(np.mean(((found >= thresholds) == (expected >= thresholds)).all(1)))


def check(parity: Parity, samples: Samples, flag: str, agreement: float | None, target: str = CLASSES) -> None:
    """Checks that an export answers as its model does.

    Args:
      parity: how it compares.
      samples: on what.
      flag: that the message names.
      agreement: the least share of equal classes or labels, of integers; None compares the probabilities or numbers.
      target: classes, labels or numbers.

    Raises:
      UsageError: it does not; the message has the figure.
    """
    if agreement is not None:
        found = parity.agreement or 0.0
        if found < agreement or np.isnan(parity.difference):
            what = "class" if target == CLASSES else "labels"
            raise UsageError(
                f"`{flag}` must choose the model's {what} for at least {agreement:.1%} of the samples, as "
                f"`--agreement` says. Received: {found:.1%} of {samples.name}; nothing is written"
            )
    elif not parity.difference <= MOST:
        what = f"numbers, to {MOST:g} of their range" if target == NUMBERS else f"probabilities, to {MOST:g}"
        raise UsageError(
            f"`{flag}` must give the model's {what}. Received: a difference of "
            f"{parity.difference:.2g} on {samples.name}; nothing is written"
        )


def latency(run: Run, sample: Values, clock: Callable[[], float] = time.perf_counter) -> tuple[float, int]:
    """Returns the median time of one sample in milliseconds, and the number of calls.

    Args:
      run: what is measured.
      sample: `(1, *spatial, channels)`.
      clock: the time in seconds.
    """
    for _ in range(_WARM):
        run(sample)
    times: list[float] = []
    end = clock() + _SECONDS
    while len(times) < _CALLS and (clock() < end or not times):
        begin = clock()
        run(sample)
        times.append(clock() - begin)
    return 1000 * statistics.median(times), len(times)


def size(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder."""
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size


def answers(run: Run, samples: Samples) -> Values:
    """Returns the probabilities of samples."""
    return by_batches(run, samples.values)
