"""The flags of `trainer.evaluate`."""

import argparse
import dataclasses
import re
from collections.abc import Sequence

from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.parsers import Parser

PARTS = ("auto", "train", "validation", "test", "all")
_BATCH = 64  # as trainer.predict
_MOST_BATCH = 4096
_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to evaluate, and where the results are written.

    Attributes:
      model: the folder of a finished run, or of an exported model; also gs://….
      data: the labelled samples, in any form that `trainer.task --data` accepts.
      part: one of PARTS.
      out: the folder of the results, also gs://…; empty if nothing is written.
      shard: which share of the samples this process predicts, and of how many: (1, 1) for all.
      by: the column of a manifest whose values form groups; empty for none.
      json: whether the results are printed as one JSON object.
      quiet: whether only the line of the whole result is printed.
      batch_size: samples per call of the model.
      skip_broken: whether samples that cannot be read leave the exit status 0.
      cache_dir: the local folder for downloads.
    """

    model: str
    data: str
    part: str = PARTS[0]
    out: str = ""
    shard: tuple[int, int] = (1, 1)
    by: str = ""
    json: bool = False
    quiet: bool = False
    batch_size: int = _BATCH
    skip_broken: bool = False
    cache_dir: str = HParams.cache_dir

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "Options":
        """Returns what a command line asks for.

        Raises:
          UsageError: a flag is unknown, or a value breaks its rule.
        """
        given = parser().read(arguments)
        if not given.model:
            raise UsageError("`--model` must be the folder of a finished run, or its model/. Received: nothing")
        data = _data(given)
        shard = _shard(given.shard)
        if shard[1] > 1 and not given.out:
            raise UsageError(
                f"`--out` must be one folder for all shards. Received: nothing, with --shard={given.shard}"
            )
        return cls(
            model=given.model,
            data=data,
            part=given.part,
            out=given.out,
            shard=shard,
            by=given.by,
            json=given.json,
            quiet=given.quiet,
            batch_size=_batch_size(given.batch_size),
            skip_broken=given.skip_broken == "yes",
            cache_dir=given.cache_dir,
        )


def parser() -> Parser:
    """Returns what reads the command line, and explains it."""
    made = Parser(
        "python -m trainer.evaluate",
        "Measures a trained model on labelled samples: the scores of all classes, labels or numbers, and the mistakes.",
    )
    add = made.add_argument
    add("--model", default="", help="folder of a finished run, or its model/; also gs://…")
    add("--data", default="", help="the same as DATA")
    add(
        "--part",
        choices=PARTS,
        default=PARTS[0],
        help="part of the data; auto: test if the data name one or the model was trained on them, else all "
        f"(default {PARTS[0]})",
    )
    add("--out", default="", help="folder for the results, also gs://…; the same command resumes there")
    add("--shard", default="1/1", help="share of the samples to predict, as in 2/8; all shards write to one --out")
    add("--by", default="", help="column of a manifest; each of its values is a group with its own scores")
    add("--json", action="store_true", help="print one JSON object")
    add("--quiet", action="store_true", help="print one line")
    add("--batch_size", default=str(_BATCH), help=f"samples per call of the model (default {_BATCH})")
    add(
        "--skip_broken",
        choices=("no", "yes"),
        nargs="?",
        const="yes",
        default="no",
        help="yes: samples that cannot be read do not change the exit status",
    )
    cache = HParams.cache_dir
    add("--cache_dir", default=cache, help=f"local folder for downloads from buckets (default {cache})")
    add("files", nargs="*", metavar="DATA", help="labelled samples, as in trainer.task --data; also gs://…")
    return made


def _data(given: argparse.Namespace) -> str:
    names = [*given.files, *filter(None, [given.data])]
    if len(names) != 1:
        received = ", ".join(names) or "nothing"
        raise UsageError(f"`DATA` must be one data set: a folder, a file, or a data set's name. Received: {received}")
    return str(names[0])


def _shard(text: str) -> tuple[int, int]:
    found = _SHARD.fullmatch(text)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count:
        raise UsageError(f"`--shard` must be K/N with K from 1 to N, as in 2/8. Received: {text or 'nothing'}")
    return number, count


def _batch_size(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _MOST_BATCH):
        raise UsageError(f"`--batch_size` must be a whole number from 1 to 4,096. Received: {text}")
    return int(text)
