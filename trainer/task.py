"""The entry point of a run, here and on Vertex AI: `python -m trainer.task --help`.

It is short because it only translates: flags and environment variables into what `trainer.run.train` takes, and what
comes back into lines and an exit status. TensorFlow is imported after the flags were understood.
"""

import datetime
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer import command_line as flags
from trainer import interpreter, keras_settings, output, signals
from trainer.environment import Environment
from trainer.errors import DivergedError, MachineLostError, StoppedError, StorageError, UsageError
from trainer.quiet import without_chatter

if TYPE_CHECKING:
    import keras
    from rich.console import Console

    from trainer.data import Dataset
    from trainer.hparams import HParams
    from trainer.run.train import Result

_COMMAND = "python -m trainer.task"
_GO_ON = "the same command with its --job_dir goes on from the last checkpoint"


def main(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    read: "Callable[[HParams, Console], Dataset] | None" = None,
) -> int:
    """Runs a command line in an environment, with Keras callbacks of one's own, and returns the exit status.

    `read` returns the data set where it is not to be read from where `--data` says, as `trainer.run.train` takes it.

    0: done. 2: a flag, file or variable breaks a rule. 3: the loss is not finite. 4: the output cannot be written.
    129, 130, 143: stopped by SIGHUP, SIGINT or SIGTERM. 134: another machine is gone; Vertex AI starts such a job
    again, which other failures of a program end.
    """
    if "--help" in arguments or "-h" in arguments:
        print(flags.help_text(_COMMAND))
        return 0
    with signals.caught() as stop:
        try:
            status = _run(arguments, variables, callbacks, stop, read)
        except StoppedError:
            if not stop.requested:
                return _stop(134, f"another machine was told to stop; {_GO_ON}")
        return _stop(stop.status, f"stopped; {_GO_ON}") if stop.requested else status


def _run(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    callbacks: "Sequence[keras.callbacks.Callback]",
    stop: signals.Stop,
    read: "Callable[[HParams, Console], Dataset] | None",
) -> int:
    try:
        hparams = flags.read(arguments)
        environment = Environment.read(variables, hparams.job_dir, datetime.datetime.now(), hparams.cache_dir)
        with without_chatter(), keras_settings.ignored():
            from rich.console import Console

            from trainer.run import train
        with environment.reserved() as environment:
            result = train.run(hparams, environment, Console(highlight=False), callbacks, stop, read=read)
    except UsageError as error:
        return _stop(2, str(error))
    except DivergedError as error:
        return _stop(3, f"{error}; a lower `--learning_rate` may help")
    except StorageError as error:
        return _stop(4, f"{error}; {_GO_ON}")
    except MachineLostError as error:
        return _stop(134, f"{error}; {_GO_ON}")
    if environment.is_chief:
        _tell(result, environment, interpreter.word(sys.executable, Path.cwd(), variables.get("PATH")))
    return 0


def _tell(result: "Result", environment: Environment, python: str) -> None:
    speed = f"in {result.seconds:.1f} s at {result.images_per_second:,.0f} images/s"
    print(
        f"test accuracy {result.test_accuracy:.2%}, {f'trained {speed}' if result.seconds else 'finished before'}",
        f"  logs         {environment.shown('logs')}",
        f"  checkpoints  {environment.shown('checkpoints')}",
        f"  model        {environment.shown('model')}/{result.model.name if result.model else ''}",
        "To see how it learned, run this and open the address that it prints:",
        f"  {shlex.join([python, '-m', 'trainer.tensorboard', '--logdir', environment.shown('logs')])}",
        sep="\n",
    )


def _stop(status: int, reason: str) -> int:
    print(f"trainer: {reason}", file=sys.stderr)
    return status


if __name__ == "__main__":
    output.outlive_readers()
    sys.exit(main(sys.argv[1:], os.environ))
