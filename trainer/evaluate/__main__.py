"""Measures a trained model on labelled samples: `python -m trainer.evaluate --model=RUN DATA`."""

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer import console, keras_settings
from trainer.errors import StorageError, UsageError, one_line
from trainer.evaluate.options import Options, parser
from trainer.quiet import without_chatter
from trainer.screen import Screen

if TYPE_CHECKING:
    from trainer.evaluate.run import Outcome


def main(arguments: Sequence[str]) -> int:
    """Prints how good a model is, and returns the exit status.

    0: success. 2: a flag breaks a rule, or samples cannot be read; a line on standard error names each, and the others
    are evaluated. 4: a bucket cannot be read, or the results cannot be written. 130: stopped by SIGINT.
    """
    if "--help" in arguments or "-h" in arguments:
        print(parser().format_help(), end="")
        return 0
    try:
        options = Options.read(arguments)
        with without_chatter(), keras_settings.ignored():
            from trainer.evaluate.run import evaluate
        outcome = evaluate(options, Screen(stderr=True), _report)
    except UsageError as error:
        _report(str(error))
        return 2
    except StorageError as error:
        _report(str(error))
        return 4
    except KeyboardInterrupt:
        _report("stopped; with `--out`, the same command resumes")
        return 130
    for one in outcome.broken:
        _report(one)
    _print(options, outcome)
    return 2 if outcome.broken and not options.skip_broken else 0


def _print(options: Options, outcome: "Outcome") -> None:
    from trainer.evaluate import table

    screen = Screen()
    if outcome.found is None:
        number, count = options.shard
        screen.out(
            f"shard {number} of {count} is done: {outcome.predicted:,} of {outcome.samples:,} {outcome.noun} are "
            f"predicted; the last shard writes the result"
        )
    elif options.json:
        print(json.dumps(outcome.said))
    else:
        screen.out(f"{outcome.found.line} ({outcome.part})")
        if not options.quiet:
            for one in table.tables(outcome.found, outcome.name_of, outcome.noun, options.by):
                screen.print()
                screen.print(one)
    if outcome.found is not None and options.out and not (options.json or options.quiet):
        screen.print()
        screen.out(one_line(f"results in {options.out}: {', '.join(outcome.files)}"))


def _report(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        console.report(f"trainer.evaluate: {one_line(line)}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:]))
