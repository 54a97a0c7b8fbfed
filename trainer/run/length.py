"""How many epochs a run takes, and in which cycles of the learning rate: those of a run that is given more epochs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.errors import UsageError
from trainer.hparams import UNTIL_BEST, HParams

AGAIN = 0.5  # of the peak: where the learning rate of a run that is given more epochs starts again
_WORD = "auto"
_WARM_UP, _PATIENCE, _COOL_DOWN, _BOUND = 0.2, 0.35, 0.35, 10  # of the epochs that a run of fixed length would take


@dataclasses.dataclass(frozen=True)
class Until:
    """How a run of `--epochs=auto` ends, in epochs of its last stage.

    Attributes:
      warm_up: in which the learning rate rises.
      patience: without a better validation, after which the learning rate begins to decay.
      cool_down: in which it decays to zero; the run stops after them.
      most: after which the run stops in any case.
    """

    warm_up: float
    patience: int
    cool_down: int
    most: int

    @classmethod
    def of(cls, hparams: HParams, usual: int) -> "Until":
        """Returns what fits a run.

        Args:
          hparams: with `patience` or 0.
          usual: the epochs that its recipe has.
        """
        cool_down = 0 if hparams.schedule == "constant" else round(_COOL_DOWN * usual)
        frozen = hparams.freeze_epochs if hparams.unfreeze != "none" else 0
        patience = hparams.patience or round(_PATIENCE * usual)
        warm_up = 0.0 if hparams.schedule == "constant" else _WARM_UP * usual
        return cls(warm_up, patience, cool_down, frozen + max(_BOUND * usual, patience + cool_down))


@dataclasses.dataclass(frozen=True)
class Length:
    """The epochs of a run.

    Attributes:
      ends: the last epoch of each cycle of the learning rate: one, and one more each time the run is given more epochs.
      until: how the run ends before, with `--epochs=auto`.
      was: the number of cycles as the run was recorded.
    """

    ends: Sequence[int]
    until: Until | None = None
    was: int = 1

    @property
    def epochs(self) -> int:
        """The number of epochs, at most."""
        return self.ends[-1]

    @property
    def is_new(self) -> bool:
        """Whether the run is given more epochs now."""
        return len(self.ends) > self.was

    def cycles(self, begin: int) -> list[int]:
        """Returns the epochs after which a cycle ends, counted from the epoch `begin`, where the last stage begins."""
        return [end - begin for end in self.ends if end > begin]

    def record(self, hparams: HParams) -> dict[str, Any]:
        """Returns the cycles for the record of a run; nothing where there is one."""
        if len(self.ends) == 1:
            return {}
        share = 1.0 if hparams.schedule == "constant" else AGAIN
        rates = [hparams.learning_rate, *[share * hparams.learning_rate] * (len(self.ends) - 1)]
        pairs = zip(self.ends, rates, strict=True)
        return {"cycles": [{"last_epoch": end, "learning_rate": rate} for end, rate in pairs]}

    def line(self, hparams: HParams) -> str:
        """Returns what a person should know about the last of several cycles."""
        former, last = self.ends[-2:]
        rate = (
            f"stays {hparams.learning_rate:g}"
            if hparams.schedule == "constant"
            else f"starts again at {AGAIN * hparams.learning_rate:g}, half of its peak, and decays to zero"
        )
        return f"continues to epoch {last}: after epoch {former} the learning rate {rate}"


def decide(
    hparams: HParams, former: Mapping[str, Any], reached: Mapping[str, Any] | None, usual: int, root: str
) -> Length:
    """Returns the length of a run that begins, resumes, or is given more epochs.

    A run that is given more epochs keeps the cycles that it began with. If it has stopped early, its cycle ends where
    it stopped.

    Args:
      hparams: with `epochs`.
      former: the record of the run; empty where it has not begun.
      reached: the manifest of its newest checkpoint; None where there is none.
      usual: the epochs that the run's recipe has.
      root: the run's folder, for a person.

    Raises:
      UsageError: the run cannot be given so many epochs.
    """
    wanted = hparams.epochs
    recorded = former.get("configuration", {}).get("epochs", wanted)
    recorded = UNTIL_BEST if recorded == _WORD else int(recorded)
    ends = [int(one["last_epoch"]) for one in former.get("cycles", ())] or [recorded]
    if wanted == UNTIL_BEST == recorded:
        until = Until.of(hparams, usual)
        return Length((until.most,), until)
    if wanted == recorded:
        return Length(tuple(ends), was=len(ends))
    if wanted == UNTIL_BEST:
        raise _error(f"a number of at least {recorded}, as the run in `--job_dir` began with a number", wanted, root)
    done = int(reached["epoch"]) if reached else 0
    has_ended = reached is not None and bool("result" in reached or reached.get("stopped") or 0 < recorded <= done)
    if recorded == UNTIL_BEST and not has_ended:
        raise _error("auto until the run in `--job_dir` has stopped", wanted, root)
    least = done if has_ended else recorded
    if wanted <= least:
        was = f"the epochs that the run in `--job_dir` {'has done' if has_ended else 'was given before'}"
        raise _error(f"more than {least}, {was}", wanted, root)
    return Length((*ends[:-1], least, wanted), was=len(ends))


def _error(rule: str, wanted: int, root: str) -> UsageError:
    return UsageError(f"`--epochs` must be {rule}. Received: {_WORD if wanted == UNTIL_BEST else wanted} ({root})")


def to_bytes(length: Length) -> bytes:
    """Returns a length as bytes, for other machines."""
    return json.dumps(dataclasses.asdict(length)).encode()


def from_bytes(content: bytes) -> Length:
    """Returns the length that `to_bytes` was given."""
    values = json.loads(content)
    until = Until(**values["until"]) if values["until"] else None
    return Length(tuple(values["ends"]), until, values["was"])
