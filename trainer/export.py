"""Converts a trained model for other runtimes: `python -m trainer.export --model=RUN/model --format=litert`."""

import contextlib
import sys
from argparse import Namespace
from collections.abc import Sequence

from rich.console import Console

from trainer import console, keras_settings
from trainer.errors import StorageError, UsageError, one_line
from trainer.hparams import HParams
from trainer.parsers import Parser
from trainer.quiet import without_chatter
from trainer.serving import options
from trainer.serving.formats import packages

_QUANTIZED = ("none", "int8")
_AGREEMENT = 0.95  # share of samples


def main(arguments: Sequence[str]) -> int:
    """Writes an export, prints what it is, and returns the exit status.

    2: a flag breaks a rule, a package is missing, or the export does not answer as the model does; nothing was written.
    4: the model cannot be downloaded from its bucket.
    """
    if "--help" in arguments or "-h" in arguments:
        print(parser().format_help(), end="")
        return 0
    try:
        given = parser().read(arguments)
        _check(given)
        with without_chatter(), keras_settings.ignored():
            import trainer.serving.formats.export  # noqa: F401
        lines = _convert(given)
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
        "python -m trainer.export",
        "Converts a trained model for other runtimes, compares its answers with the model's on real samples, and "
        "writes it with its card.",
    )
    made.add_argument("--model", default="", help="folder of a finished run, or its model/; also gs://…")
    made.add_argument("--format", choices=packages.NAMES, default="", help=f"one of {', '.join(packages.NAMES)}")
    made.add_argument(
        "--quantize",
        choices=_QUANTIZED,
        default="none",
        help="int8: integers of 8 bits, calibrated on training samples; for litert (default none)",
    )
    made.add_argument(
        "--agreement",
        type=float,
        default=_AGREEMENT,
        help=f"least share of samples for which int8 must choose the model's class (default {_AGREEMENT})",
    )
    made.add_argument(
        "--out", default="", help="new folder or file; by default a folder next to the model's, such as model-litert/"
    )
    made.add_argument(
        "--data", default="", help="samples to compare on, as in trainer.task (by default those of the training)"
    )
    made.add_argument("--threads", default="1", help="threads of the runtime, for the latency (default 1)")
    cache = HParams.cache_dir
    made.add_argument("--cache_dir", default=cache, help=f"local folder for downloads from buckets (default {cache})")
    return made


def _check(given: Namespace) -> None:
    if not given.model:
        raise UsageError("`--model` must be the folder model/ of a finished run. Received: nothing")
    if not given.format:
        raise UsageError(f"`--format` must be one of {', '.join(packages.NAMES)}. Received: nothing")
    if given.quantize != "none" and given.format not in packages.INTEGERS:
        raise UsageError(
            f"`--quantize` must be used with `--format={', '.join(packages.INTEGERS)}`. "
            f"Received: {given.quantize}, and --format={given.format}"
        )
    if not 0 < given.agreement <= 1:
        raise UsageError(f"`--agreement` must be above 0 and at most 1. Received: {given.agreement:g}")
    given.threads = options.whole("threads", given.threads, 1, 256)
    packages.check(given.format)


def _convert(given: Namespace) -> list[str]:
    from trainer.serving.folder import local
    from trainer.serving.formats import export

    asked = export.Asked(
        model=given.model,
        format=given.format,
        quantize=given.quantize,
        agreement=given.agreement,
        out=given.out,
        data=given.data,
        threads=given.threads,
        cache_dir=given.cache_dir,
    )
    return export.convert(asked, local(given.model, given.cache_dir, _report), _screen())


def _screen() -> Console:
    return Console(stderr=True, soft_wrap=True)


def _report(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        console.report(f"trainer.export: {line}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:]))
