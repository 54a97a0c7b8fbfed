"""The suspects of a data set, from the predictions of its folds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer import data
from trainer.data.held_out import HeldOut
from trainer.data.suspects import duplicates
from trainer.data.suspects.duplicates import Near
from trainer.data.suspects.listing import Suspect
from trainer.errors import UsageError
from trainer.objectives.suspects.doubts import Doubt
from trainer.suspects import neighbours
from trainer.suspects.pool import Indices, Pool


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
      pool: all samples.
      labels: the suspects by class, label or number, the most suspect first, with the index of each sample.
      near: the near-duplicates, those across parts first, with the index of each sample.
      groups: the indices of the samples of each group of near-duplicates.
      share: the estimated share of wrong classes or labels; None for numbers.
      ranked: the indices of all samples whose targets were checked, the most suspect first.
    """

    pool: Pool
    labels: Mapping[int, Suspect]
    near: Mapping[int, Suspect]
    groups: Sequence[Sequence[int]]
    share: float | None
    ranked: Indices

    @property
    def checked(self) -> int:
        """The number of samples whose targets were checked."""
        return len(self.ranked)

    @property
    def suspects(self) -> list[Suspect]:
        """All lines of the list, in its order."""
        return [*self.labels.values(), *self.near.values()]


def search(root: Path, held: Sequence[HeldOut], pool: Pool, log: Callable[[str], object]) -> Found:
    """Returns the suspects.

    Args:
      root: the folder of the folds' run.
      held: the predictions of each fold.
      pool: the samples of the same data set.
      log: receives lines.

    Raises:
      UsageError: the predictions are not of this data set.
      tf.errors.OpError: a sample cannot be read.
    """
    folds = _placed(held, pool, root)
    checked = np.concatenate(folds)
    probabilities = np.concatenate([one.probabilities for one in held])
    vectors = pool.coarse()

    def more() -> list[npt.NDArray[np.float32]]:
        by_features = neighbours.by_features(root, folds, pool, log)
        others = [] if by_features is None else [by_features[checked]]
        return [neighbours.by_values(vectors, checked, pool), *others]

    doubts = pool.suspicion.find(pool.targets[checked], probabilities, pool.dataset.class_names, more)
    labels = {int(checked[one.row]): _doubted(pool, int(checked[one.row]), one) for one in doubts.listed}
    found = duplicates.find(vectors, pool.parts, data.array_strata(pool.targets))
    near = {one.index: _by_likeness(pool, one) for one in _exact(found, pool)}
    ordered = dict(sorted(near.items(), key=lambda item: item[1].part == item[1].like_part))
    return Found(pool, labels, ordered, duplicates.groups(found), doubts.share, checked[doubts.order])


def _placed(held: Sequence[HeldOut], pool: Pool, root: Path) -> list[Indices]:
    """Returns the indices of the samples that each fold held out."""
    rule = f"`--data` must be the data of the folds in {root}"
    if any(one.target != pool.dataset.target for one in held):
        raise UsageError(f"{rule}. Received: {pool.dataset.target}, and folds of {held[0].target}")
    if any(tuple(one.class_names) != tuple(pool.dataset.class_names) for one in held):
        raise UsageError(f"{rule}. Received: other {pool.dataset.target}")
    numbers = {name: index for index, name in enumerate(pool.names)}
    folds = []
    for one in held:
        unknown = next((name for name in one.names if name not in numbers), None)
        if unknown is not None:
            raise UsageError(f"{rule}. Received: no sample {unknown}")
        own = np.array([numbers[name] for name in one.names], np.int64)
        differs = (pool.targets[own] != one.targets).reshape(len(own), -1).any(1)
        if differs.any():
            word = pool.suspicion.words.problem.removesuffix("s")
            raise UsageError(f"{rule}. Received: another {word} of {one.names[int(differs.argmax())]}")
        folds.append(own)
    return folds


def _doubted(pool: Pool, index: int, doubt: Doubt) -> Suspect:
    return dataclasses.replace(
        _start(pool, index),
        wrong=pool.suspicion.words.problem,
        said=doubt.said,
        predicted=doubt.predicted,
        probability=doubt.probability,
        label_probability=doubt.given_probability,
        residual=doubt.residual,
    )


def _by_likeness(pool: Pool, near: Near) -> Suspect:
    other = data.PARTS[pool.parts[near.original]]
    start = _start(pool, near.index)
    return dataclasses.replace(start, like=pool.names[near.original], like_part=other, distance=near.distance)


def _start(pool: Pool, index: int) -> Suspect:
    return Suspect(pool.names[index], data.PARTS[pool.parts[index]], pool.given(index))


def _exact(found: Sequence[Near], pool: Pool) -> list[Near]:
    """Returns near-duplicates; those at distance 0 whose values differ get the smallest distance above it."""
    same = [one for one in found if not one.distance]
    samples = pool.samples([index for one in same for index in (one.index, one.original)])
    differ = {one.index for one in same if not np.array_equal(samples[one.index], samples[one.original])}
    return [dataclasses.replace(one, distance=1e-4) if one.index in differ else one for one in found]
