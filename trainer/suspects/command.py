"""`python -m trainer.data --suspects`: the folds where there are none, the list, the page."""

import datetime
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from trainer import console, data, interpreter, keras_settings, signals
from trainer.data.held_out import HeldOut, path_of
from trainer.data.suspects import listing
from trainer.errors import FoldError, StoppedError, StorageError, UsageError, one_line
from trainer.pages import page
from trainer.pages import suspects as pages
from trainer.quiet import without_chatter
from trainer.screen import Screen
from trainer.suspects import options as reading
from trainer.suspects import picturing
from trainer.suspects.options import Options
from trainer.suspects.pool import Pool
from trainer.suspects.search import Found, search

PAGE = "suspects.html"

_GO_ON = "run the same command again to resume"
_SHOWN = 10  # lines of the list on the screen


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Finds the suspects of a data set, and returns the exit status: 0, or as of `trainer.task`.

    Args:
      arguments: the words after the program's name, `--suspects` among them.
      variables: the environment variables.
    """
    with signals.caught() as stop:
        try:
            options = reading.read(arguments)
            screen = Screen()
            with without_chatter(), keras_settings.ignored():
                _write(options, screen, stop, variables)
        except UsageError as error:
            return _stop(2, str(error))
        except FoldError as error:
            return _stop(error.status, str(error))
        except (OSError, StorageError) as error:
            return _stop(4, f"{getattr(error, 'filename', None) or 'the output'} cannot be written: {error}; {_GO_ON}")
        except tf.errors.OpError as error:
            return _stop(4, f"`--data` cannot be read: {error}; {_GO_ON}")
        except StoppedError:
            return _stop(stop.status, f"stopped; {_GO_ON}")
    return 0


def _write(options: Options, screen: Screen, stop: signals.Stop, variables: Mapping[str, str]) -> None:
    list_path, page_path = options.root / listing.NAME, options.root / PAGE
    listing.check(list_path)
    if not page.may_be_written(page_path):
        raise UsageError(f"{page_path} must be a new file or a page to replace. Received: another file")

    def log(line: str) -> None:
        screen.out(one_line(line))

    dataset = data.load_configured(options.hparams, screen)
    if options.is_done:
        log(f"predictions of the {options.folds} folds in {options.root}/folds")
    else:
        _train(options, dataset, screen, stop, variables)
    held = [HeldOut.read(path_of(options.root, number)) for number in range(1, options.folds + 1)]
    found = search(options.root, held, Pool(dataset), log)
    listing.write(list_path, found.suspects)
    commands = _commands(options, list_path)
    content = picturing.pictured(found, options.hparams.data, commands)
    page.write(page_path, pages.html(content, datetime.datetime.now()))
    _report(found, content.samples, list_path, page_path, commands)


def _train(
    options: Options, dataset: data.Dataset, screen: Screen, stop: signals.Stop, variables: Mapping[str, str]
) -> None:
    """Trains the folds that have no predictions yet."""
    from trainer.run import recipe, record
    from trainer.study.folds import session

    record.check(options.root, options.hparams)
    added = options.quick(recipe.choose(options.hparams, {}, dataset, 1).epochs)
    screen.out(
        f"each {data.kind_of(dataset.form).name} is held out of one of {options.folds} networks, which predicts it"
    )
    screen.out(f"  flags of each: {shlex.join([*options.arguments, *added])}")
    options.root.mkdir(parents=True, exist_ok=True)
    words = [*options.arguments, *added]
    session.run(session.Plan(options.root, options.folds, words, _GO_ON, has_final=False), screen, stop, variables)


def _commands(options: Options, path: Path) -> str:
    python = interpreter.word(sys.executable, Path.cwd(), os.environ.get("PATH"))
    words = [python, "-m", "trainer.task", *options.selection, f"--drop={path}"]
    return shlex.join(words)


def _report(found: Found, samples: str, list_path: Path, page_path: Path, commands: str) -> None:
    """Prints the beginning of the list, and where all of it is."""
    words = found.pool.suspicion.words
    share = "" if found.share is None else f" (estimated share of {words.share} {found.share:.1%})"
    lines = [f"probably wrong {words.heading}: {len(found.labels):,} of {found.checked:,} {samples}{share}"]
    lines += [
        f"  {one.name}: {''.join(text + name for text, name in one.said)}" for one in [*found.labels.values()][:_SHOWN]
    ]
    across = sum(one.part != one.like_part for one in found.near.values())
    lines.append(
        f"copies and near-duplicates: {len(found.near):,} of {len(found.pool.names):,} {samples}, "
        f"{across:,} across parts"
    )
    for one in [*found.near.values()][:_SHOWN]:
        how = f"distance {one.distance:.3f}" if one.distance else "exact copy"
        lines.append(f"  {one.name} ({one.part}) as {one.like} ({one.like_part}), {how}")
    lines += [f"list  {list_path}", f"page  {page_path}", "To train without the samples in the list:", f"  {commands}"]
    console.report("\n".join(map(one_line, lines)), sys.stdout)


def _stop(status: int, reason: str) -> int:
    console.report(f"trainer.data: {one_line(reason)}")
    return status
