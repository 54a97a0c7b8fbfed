"""The steps at which pictures and traces are written."""

import bisect
import dataclasses
import math
from collections.abc import Sequence

from trainer.hparams import HParams

_MOST = 10  # the number of pictures of a tag that TensorBoard keeps
_STEPS_EACH = 200  # on average, at least: one moment takes as long as six steps of the default network


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The times of all output besides the scalars of each epoch.

    Attributes:
      pictures: the steps after which pictures are made, in order; 0 is before the first.
      profile: the steps from the first to the last between which a trace is recorded; no trace if empty.
    """

    pictures: Sequence[int] = ()
    profile: Sequence[int] = ()

    @classmethod
    def of(cls, hparams: HParams, steps_per_epoch: int, frozen_epochs: int = 0) -> "Schedule":
        """Returns the schedule that `--log_images` and `--profile_steps` ask for.

        Args:
          hparams: with these flags.
          steps_per_epoch: steps in each epoch.
          frozen_epochs: how many come before a convolution learns; until then `--log_images=auto` has nothing to show.
        """
        first = frozen_epochs * steps_per_epoch if hparams.log_images == "auto" else 0
        pictures = picture_steps(hparams.log_images, steps_per_epoch, hparams.epochs - first // steps_per_epoch)
        return cls(tuple(first + step for step in pictures), profile_steps(hparams.profile_steps))

    def next_step(self, step: int) -> float:
        """Returns the first step after this one at which something may be due; infinity if none is."""
        return min(_next(self.pictures, step), _next(self.profile, step))


def picture_steps(log_images: str, steps_per_epoch: int, epochs: int) -> Sequence[int]:
    """Returns the steps after which pictures are made, in order; 0 is before the first.

    Args:
      log_images: `auto` is 0, and on by equal ratios to the last step, since a network changes fastest at first;
        `epoch` is 0 and the end of each epoch; a number is 0 and every multiple of it; `never` is none.
      steps_per_epoch: steps in each epoch.
      epochs: how many.
    """
    steps = epochs * steps_per_epoch
    if log_images == "never":
        return ()
    if not steps:
        return (0,)
    if log_images != "auto":
        return range(0, steps + 1, steps_per_epoch if log_images == "epoch" else int(log_images))
    later = max(2, min(_MOST, steps // _STEPS_EACH) - 1)
    return tuple(sorted({0, *(round(steps ** (index / later)) for index in range(1, later + 1))}))


def profile_steps(text: str) -> Sequence[int]:
    """Returns the steps from the first to the last of a trace, given as `10,20`; empty without a trace."""
    if not text:
        return ()
    first, last = map(int, text.split(","))
    return range(first, last + 1)


def _next(steps: Sequence[int], step: int) -> float:
    index = bisect.bisect_right(steps, step)
    return steps[index] if index < len(steps) else math.inf
