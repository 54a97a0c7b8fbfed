"""Times two or more functions in turn, so that other work on the machine affects all of them equally."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized


@dataclasses.dataclass(frozen=True)
class Ratio:
    """The time of one function over that of another: the median over the rounds, and their middle half."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:5.2f} ({self.low:.2f} to {self.high:.2f})"


def sample(work: Callable[[], object], repeats: int) -> float:
    """Returns the seconds of one call, as the mean over some calls."""
    begin = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - begin) / repeats


def interleave(samplers: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Returns the seconds of each sampler in each round; every other round runs in the opposite order."""
    seconds: dict[str, list[float]] = {name: [] for name in samplers}
    for index in range(rounds):
        for name in list(samplers)[:: 1 if index % 2 else -1]:
            seconds[name].append(samplers[name]())
    return seconds


def per_sample(
    epochs: Mapping[str, Callable[[], Iterable[tuple[object, Sized]]]], rounds: int
) -> dict[str, list[float]]:
    """Returns the seconds per sample in each round, for each way to get an epoch of samples and labels."""

    def sampler(name: str) -> Callable[[], float]:
        def read() -> float:
            begin = time.perf_counter()
            count = sum(len(labels) for _, labels, *_ in epochs[name]())
            return (time.perf_counter() - begin) / count

        return read

    samplers = {name: sampler(name) for name in epochs}
    for once in samplers.values():  # warm-up
        once()
    return interleave(samplers, rounds)


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Returns my time over theirs, round by round."""
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Ratio(median, low, high)
