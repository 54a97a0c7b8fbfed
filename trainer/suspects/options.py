"""What `python -m trainer.data --suspects` is asked for."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import command_line as flags
from trainer.buckets.location import is_remote
from trainer.data.held_out import FOLDER, path_of
from trainer.errors import UsageError
from trainer.files import expanded
from trainer.hparams import WATCHED, HParams, Value, given, rule_of

FLAG = "suspects"

_FOLDS = 5  # if `--folds` does not say
_OF_FOLDS = re.compile(r"\d+/(\d+)")
_SHARE, _FEWEST = 3, 5  # of the recipe's epochs: networks that learn for long learn wrong labels too
_RECORD = "hparams.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """A checked command line.

    Attributes:
      hparams: the hyperparameters of the folds, with `folds` their number.
      root: the folder of the folds' run.
      arguments: the flags of each fold, without `--folds`, `--job_dir` and `--resume`.
    """

    hparams: HParams
    root: Path
    arguments: Sequence[str]

    @property
    def folds(self) -> int:
        """The number of folds."""
        return self.hparams.folds_before

    @property
    def selection(self) -> Sequence[str]:
        """The flags that decide what is read, where they are given; for a run without folds."""
        fields = {field.name: field for field in dataclasses.fields(HParams)}
        others = {"data", "folds", "drop"}
        if self.hparams.validation_split == WATCHED:  # which folds have by themselves
            others.add("validation_split")
        chosen = ("data", *(name for name in given(self.hparams) if name not in others))
        return [f"--{name}={getattr(self.hparams, name)}" for name in chosen if rule_of(fields[name]).selects_samples]

    @property
    def is_done(self) -> bool:
        """Whether all folds have written their predictions."""
        return all(path_of(self.root, number).is_file() for number in range(1, self.folds + 1))

    def quick(self, epochs: int) -> list[str]:
        """Returns the flags of each fold that are not given: fewer epochs, no pictures and no report.

        Args:
          epochs: the recipe's; folds that have begun keep the number that they have.
        """
        recorded = _configuration(self.root)
        fewer = str(recorded.get("epochs") or max(_FEWEST, math.ceil(epochs / _SHARE)))
        added = {"log_images": "never", "report": "no", "epochs": fewer}
        return [f"--{name}={value}" for name, value in added.items() if name not in given(self.hparams)]


def read(arguments: Sequence[str]) -> Options:
    """Returns the options of a command line.

    The flags that decide what is read are those that folds in `--job_dir` have begun with, if they are not given.

    Args:
      arguments: the words after the program's name.

    Raises:
      UsageError: a flag is unknown or breaks its rule.
    """
    known = {**flags.run_flags(arguments), FLAG: "true", "to": "", "shard_megabytes": ""}
    for word in flags.split(arguments, known):
        if word.name in ("to", "shard_megabytes"):
            raise UsageError(f"`{word.typed}` must be used without `--{FLAG}`. Received: {' '.join(word.words)}")
        if word.name == FLAG and word.text not in ("true", "yes"):
            raise UsageError(f"`{word.typed}` must be given alone. Received: {' '.join(word.words)}")
    rest = flags.without(arguments, [FLAG], known)
    hparams = flags.read(rest)
    if "/" in hparams.folds:
        raise UsageError(f"`--folds` must be a number of folds with `--{FLAG}`. Received: {hparams.folds}")
    if is_remote(hparams.job_dir):
        raise UsageError(f"`--job_dir` must be a folder on this machine with `--{FLAG}`. Received: {hparams.job_dir}")
    root = Path(expanded(hparams.job_dir) if hparams.job_dir else _root(hparams.data))
    recorded = _configuration(root)
    begun = _OF_FOLDS.fullmatch(str(recorded.get("folds", "")))
    folds = int(hparams.folds) or (int(begun[1]) if begun else _FOLDS)
    own = _selection(hparams, recorded)
    kept = flags.without(rest, ["folds", "job_dir", "resume"], known)
    added = [f"--{name}={value}" for name, value in own.items()]
    return Options(flags.read([*kept, *added, f"--folds={folds}", f"--job_dir={root}"]), root, [*kept, *added])


def _root(location: str) -> str:
    """Returns the folder of the folds if `--job_dir` is not given: the same for each command with the same data."""
    name = re.sub(r"[^\w-]", "_", Path(location.rstrip("/")).name.partition(".")[0])
    return f"runs/{FLAG}-{name or 'data'}"


def _configuration(root: Path) -> Mapping[str, Any]:
    """Returns the configuration of the first fold; empty if it has not begun."""
    try:
        return dict(json.loads((root / FOLDER / "1" / _RECORD).read_bytes())["configuration"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _selection(hparams: HParams, recorded: Mapping[str, Any]) -> dict[str, Value]:
    """Returns the recorded flags that decide what is read, where they are not given."""
    fields = {field.name: field for field in dataclasses.fields(HParams)}
    return {
        name: value
        for name, value in recorded.items()
        if name in fields
        and rule_of(fields[name]).selects_samples
        and name != "folds"
        and name not in given(hparams)
        and value != fields[name].default
    }
