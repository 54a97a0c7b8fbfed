"""Samples and labels as arrays, by part."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from trainer.hparams import CLASSES

Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # samples and their targets


@dataclasses.dataclass(frozen=True)
class Given:
    """What the files of a data set hold, before anything is split off or brought to a form.

    Attributes:
      parts: by name, of `trainer.data.lists.entries.PARTS`: samples, `(count, *spatial)` or
        `(count, *spatial, channels)`, and class numbers from 0, `(count,)` or `(count, 1)`, or of another target
        float32 `(count, outputs)`. There is a train part, unless `SampleOptions.for_training` is false.
        A test part without samples means that none is to be split off.
      class_names: in the order of the numbers, or of the outputs; empty where the data have no names.
      rank: the number of spatial axes.
      spacing: the distance between neighbouring positions, as `Form.spacing`; empty if unknown.
      unit: of the spacing.
      test_names: of the test samples that are a fold of a cross-validation: their files.
      target: classes, labels or numbers.
      names: of the samples of each part, if each is a file.
      dropped: how many samples `--drop` left out already.
    """

    parts: Mapping[str, Pair]
    class_names: Sequence[str] = ()
    rank: int = 2
    spacing: tuple[float, ...] = ()
    unit: str = ""
    test_names: Sequence[str] = ()
    target: str = CLASSES
    names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    dropped: int = 0
