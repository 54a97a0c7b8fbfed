"""How an export compares with its model, how large it is and how fast."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.errors import UsageError
from trainer.serving.formats.network import Run, Values, by_batches
from trainer.serving.formats.samples import Samples

MOST = 1e-4  # difference of a probability
_SECONDS, _CALLS, _WARM = 1.0, 200, 5  # of the measurement of the latency: at most, at most, before it


@dataclass(frozen=True)
class Parity:
    """An export against its model.

    Attributes:
      difference: the largest of a probability, against the network in float32.
      agreement: the share of samples for which both choose the same class.
      own: the largest difference against the model's own answers, in the precision that it was trained in.
      own_agreement: the share of samples of the same class as these.
      accuracy: of the export; None if the classes are unknown.
      model_accuracy: of the network in float32, on the same samples.
    """

    difference: float
    agreement: float
    own: float
    own_agreement: float
    accuracy: float | None
    model_accuracy: float | None


def compare(found: Values, expected: Values, own: Values, samples: Samples) -> Parity:
    """Returns the parity of probabilities, each `(count, classes)`.

    Args:
      found: of the export.
      expected: of the network in float32.
      own: of the model as it answers.
      samples: what they are of.
    """
    classes, targets = found.argmax(1), samples.targets
    is_finite = bool(np.isfinite(found).all())
    return Parity(
        float(np.abs(found - expected).max()) if is_finite else float("nan"),
        float(np.mean(classes == expected.argmax(1))),
        float(np.abs(found - own).max()) if is_finite else float("nan"),
        float(np.mean(classes == own.argmax(1))),
        None if targets is None else float(np.mean(classes == targets)),
        None if targets is None else float(np.mean(expected.argmax(1) == targets)),
    )


def check(parity: Parity, samples: Samples, flag: str, agreement: float | None) -> None:
    """Checks that an export answers as its model does.

    Args:
      parity: how it compares.
      samples: on what.
      flag: that the message names.
      agreement: the least share of equal classes, of integers; None compares the probabilities.

    Raises:
      UsageError: it does not; the message has the figure.
    """
    if agreement is not None:
        if parity.agreement < agreement or np.isnan(parity.difference):
            raise UsageError(
                f"`{flag}` must choose the model's class for at least {agreement:.1%} of the samples, as "
                f"`--agreement` says. Received: {parity.agreement:.1%} of {samples.name}; nothing is written"
            )
    elif not parity.difference <= MOST:
        raise UsageError(
            f"`{flag}` must give the model's probabilities, to {MOST:g}. Received: a difference of "
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
