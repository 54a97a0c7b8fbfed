"""Checks a data set and writes it as TFRecord shards: `python -m trainer.data --data=FOLDER --to=FOLDER`.

With `--suspects`, it finds samples whose labels are probably wrong, and near-duplicates.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from trainer import console
from trainer.buckets.fetch import fetch
from trainer.data import convert as conversion
from trainer.data import loading
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import folder, recognize
from trainer.data.problems import Problem
from trainer.environment import cache_folder
from trainer.errors import StorageError, UsageError, one_line
from trainer.files import expanded
from trainer.hparams import HParams
from trainer.parsers import Parser
from trainer.screen import Screen

_GO_ON = "run the same command again to resume"
_SHARD_MEGABYTES = 100.0  # a bucket is read in parallel, and each worker has several shards


def main(arguments: Sequence[str], screen: Console | None = None) -> int:
    """Runs a command line and returns the exit status.

    0: written. 2: a flag breaks a rule, or samples have problems, one printed line for each;
    nothing was written. 4: the shards cannot be written. 130: stopped by SIGINT.
    """
    try:
        options = _read(arguments)
    except UsageError as error:
        return _stop(2, str(error))
    screen = screen or Screen(soft_wrap=True)
    try:
        problems = _convert(options, screen)
    except UsageError as error:
        return _stop(2, str(error))
    except (OSError, StorageError, tf.errors.OpError) as error:
        return _stop(4, f"{options.to} cannot be written: {getattr(error, 'strerror', None) or error}; {_GO_ON}")
    except KeyboardInterrupt:
        return _stop(130, f"stopped; {_GO_ON}")
    for problem in problems:
        _say(screen, str(problem))
    if problems and options.skip_broken != "yes":
        return _stop(
            2,
            f"`--data` must be a data set without problems; `--skip_broken=yes` skips samples with problems. "
            f"Received: {options.data}, {len(problems):,} problems",
        )
    _say(screen, f"{options.to}/{conversion.RECORD} describes the shards")
    return 0


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser("python -m trainer.data", "Checks a data set and writes it as TFRecord shards.")
    parser.add_argument("--data", required=True, help="as in trainer.task")
    parser.add_argument("--to", required=True, help="a new folder for the shards")
    parser.add_argument("--validation_split", type=float, default=0.1, help="as in trainer.task (default 0.1)")
    parser.add_argument(
        "--skip_broken", choices=("no", "yes"), nargs="?", const="yes", default="no", help="as in trainer.task"
    )
    parser.add_argument("--rank", type=int, choices=(0, 1, 2, 3), default=0, help="as in trainer.task (default 0)")
    parser.add_argument(
        "--shard_megabytes",
        type=float,
        default=_SHARD_MEGABYTES,
        help="approximate size of a shard in MB (default 100)",
    )
    parser.add_argument("--cache_dir", default=HParams.cache_dir, help="as in trainer.task")
    parser.add_argument(
        "--suspects",
        action="store_true",
        help="instead of --to: lists samples whose labels or numbers are probably wrong, and near-duplicates, from the "
        "predictions of the folds in --job_dir, which are trained first if there are none; all flags of trainer.task "
        "apply to them",
    )
    parser.add_argument(
        "--job_dir", default="", help="with --suspects: folder of a run with --folds; default runs/suspects-<data>"
    )
    return parser.read(arguments)


def _asks_for_suspects(arguments: Sequence[str]) -> bool:
    return any(word.startswith("-") and word.partition("=")[0].lstrip("-") == "suspects" for word in arguments)


def _check(options: argparse.Namespace) -> None:
    if options.job_dir:
        raise UsageError(f"`--job_dir` must be used with `--suspects`. Received: {options.job_dir}")
    if options.to.startswith("gs://"):
        raise UsageError(f"`--to` must be a folder on this machine, or below /gcs/. Received: {options.to}")
    if not 0 < options.validation_split < 1:
        raise UsageError(f"`--validation_split` must be above 0 and below 1. Received: {options.validation_split}")
    if not options.shard_megabytes > 0:
        raise UsageError(f"`--shard_megabytes` must be above 0. Received: {options.shard_megabytes}")


def _convert(options: argparse.Namespace, screen: Console) -> list[Problem]:
    _check(options)
    cache = cache_folder(options.cache_dir)

    def log(line: str) -> None:
        _say(screen, line)

    entries = loading.list_entries(options.data, lambda location: fetch(location, cache, log=log), log, options.rank)
    source = Path(expanded(options.data))
    is_listed = any(entry.listed for entry in entries)  # in a manifest or shards; folders next to them are not classes
    empty = folder.empty_classes(source) if source.is_dir() and not is_listed else []
    with _progress(screen) as on_progress:
        return conversion.convert(
            entries,
            recognize.kind_of_files(entries, SampleOptions(rank=options.rank))[0],
            Path(expanded(options.to)),
            options.validation_split,
            shard_bytes=round(options.shard_megabytes * 1e6),
            skip_broken=options.skip_broken == "yes",
            others=[Problem(str(one), "a class without a sample") for one in empty],
            on_progress=on_progress,
            log=log,
        )


@contextlib.contextmanager
def _progress(screen: Console) -> Iterator[conversion.OnProgress]:
    """Yields a function that draws a progress bar for each task."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen) as progress:
        tasks: dict[str, TaskID] = {}

        def on_progress(what: str, more: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.advance(tasks[what], more)

        yield on_progress


def _stop(status: int, reason: str) -> int:
    console.report(f"trainer.data: {one_line(reason)}")
    return status


def _say(screen: Console, line: str) -> None:
    screen.out(one_line(line), highlight=False)  # which does not interpret names as markup


def _start(arguments: Sequence[str]) -> int:
    if "--help" in arguments or "-h" in arguments or not _asks_for_suspects(arguments):
        return main(arguments)
    from trainer.suspects import command

    return command.main(arguments, os.environ)


if __name__ == "__main__":
    console.prepare()
    sys.exit(_start(sys.argv[1:]))
