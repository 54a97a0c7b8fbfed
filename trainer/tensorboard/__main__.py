"""TensorBoard for logs on this machine or in a bucket: `python -m trainer.tensorboard --logdir=gs://bucket/run`.

This program reads a bucket and keeps a local copy up to date. TensorBoard's own readers of gs:// need TensorFlow and
other credentials; without them, the default one shows nothing and reports no error.

Each trial of a study is two of TensorBoard's runs, validation and training; `--runs=all` shows all of its runs.
"""

import argparse
import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer import console
from trainer.buckets.location import is_remote
from trainer.errors import StorageError, UsageError
from trainer.files import expanded
from trainer.quiet import without_chatter

_SECONDS = 5.0  # between two listings of a bucket: as often as TensorBoard lists its folder
_ALL = "all"
_RUNS = ("trials", _ALL)  # what --runs may be
_FOREIGN = ("checkpoints/", "model/")  # of a run, which TensorBoard does not show


def main(arguments: Sequence[str]) -> int:
    """Runs TensorBoard until it is stopped, and returns the exit status.

    All flags but `--logdir` and `--runs` are its own.
    """
    parser = argparse.ArgumentParser(prog="python -m trainer.tensorboard", add_help=False, allow_abbrev=False)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--runs", default="trials")
    options, others = parser.parse_known_args(arguments)
    try:
        if options.runs not in _RUNS:
            raise UsageError(f"`--runs` must be one of {', '.join(_RUNS)}. Received: {options.runs}")
        with _local(options.logdir) as folder, _view(folder, options.runs) as shown:
            return _show(["--logdir", shown, *others])
    except (UsageError, StorageError) as error:
        console.report(f"trainer.tensorboard: {error}")
        return 2 if isinstance(error, UsageError) else 4


@contextlib.contextmanager
def _local(logdir: str) -> Iterator[str]:
    """Yields a local folder that stays a copy of a location."""
    if not is_remote(logdir):
        yield expanded(logdir)
        return
    from trainer.buckets.follow import Follower

    with tempfile.TemporaryDirectory(prefix="trainer-logs-", ignore_cleanup_errors=True) as folder:
        follower = Follower(logdir, Path(folder), is_wanted=_is_log, log=_report)
        follower.catch_up()
        if not any(Path(folder).iterdir()):
            _report(f"{logdir} contains no logs yet")
        end = threading.Event()
        threading.Thread(target=follower.follow, args=(_SECONDS, end), daemon=True).start()
        try:
            yield folder
        finally:
            end.set()


@contextlib.contextmanager
def _view(folder: str, runs: str) -> Iterator[str]:
    """Yields the folder that TensorBoard shows; of a folder with a study, one that stays up to date."""
    from trainer.tensorboard import trials

    if runs == _ALL or not trials.has_study(Path(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="trainer-runs-", ignore_cleanup_errors=True) as view:

        def update() -> None:
            trials.update(Path(view), trials.links(Path(folder)))

        def follow() -> None:
            while not end.wait(_SECONDS):
                with contextlib.suppress(OSError):  # a file that a study has just removed
                    update()

        update()
        _report(
            "each trial of a study is two runs: 3 is trial 3's validation, 3/train its training; --runs=all shows all"
        )
        end = threading.Event()
        threading.Thread(target=follow, daemon=True).start()
        try:
            yield view
        finally:
            end.set()


def _is_log(name: str) -> bool:
    return not any(f"/{folder}" in f"/{name}" for folder in _FOREIGN)


def _show(arguments: Sequence[str]) -> int:
    with without_chatter():
        import tensorflow  # noqa: F401  as TensorBoard does, a little later
        from tensorboard import default, main_lib, program
    from tensorboard.plugins.base_plugin import FlagsError

    main_lib.global_init()
    board = program.TensorBoard(plugins=default.get_plugins())
    try:
        board.configure(("", *arguments))
    except FlagsError as error:
        raise UsageError(str(error)) from None
    with contextlib.suppress(KeyboardInterrupt):
        return int(board.main())
    return 0


def _report(line: str) -> None:
    console.report(f"trainer.tensorboard: {line}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:]))
