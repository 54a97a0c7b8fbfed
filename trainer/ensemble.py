"""Combines trained models: `python -m trainer.ensemble runs/a runs/b --out=runs/both`."""

import contextlib
import sys
from collections.abc import Sequence

from trainer import console, keras_settings
from trainer.errors import StorageError, UsageError, one_line
from trainer.hparams import HParams
from trainer.parsers import Parser
from trainer.quiet import without_chatter
from trainer.screen import Screen


def main(arguments: Sequence[str]) -> int:
    """Writes an ensemble, prints how good it is, and returns the exit status.

    2: a flag breaks a rule, or the models do not fit together; nothing was written. 4: a model cannot be downloaded
    from its bucket.
    """
    if "--help" in arguments or "-h" in arguments:
        print(parser().format_help(), end="")
        return 0
    try:
        given = parser().read(arguments)
        if not given.models:
            raise UsageError("`MODEL` must be the folder of a finished run, or its model/. Received: nothing")
        if not given.out:
            raise UsageError("`--out` must be a new folder. Received: nothing")
        with without_chatter(), keras_settings.ignored():
            from trainer.serving import ensemble
        asked = ensemble.Asked(given.models, given.out, given.data, given.cache_dir)
        lines = ensemble.write(asked, Screen(stderr=True), _report)
    except UsageError as error:
        _report(str(error))
        return 2
    except StorageError as error:
        _report(str(error))
        return 4
    except KeyboardInterrupt:
        return 130
    for line in lines:
        console.report(one_line(line), sys.stdout)
    return 0


def parser() -> Parser:
    """Returns what reads the command line, and explains it."""
    made = Parser(
        "python -m trainer.ensemble",
        "Combines trained models to one that predicts the mean of their predictions, tests it, and writes it with its "
        "card.",
    )
    made.add_argument("--out", default="", help="new folder, which --model= of the other programs takes")
    made.add_argument("--data", default="", help="the data that the models were trained on, where they have moved")
    cache = HParams.cache_dir
    made.add_argument("--cache_dir", default=cache, help=f"local folder for downloads from buckets (default {cache})")
    made.add_argument("models", nargs="*", metavar="MODEL", help="folder of a finished run, or its model/; also gs://…")
    return made


def _report(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        console.report(f"trainer.ensemble: {one_line(line)}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:]))
