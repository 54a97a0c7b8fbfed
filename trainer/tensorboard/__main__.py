"""TensorBoard for logs on this machine or in a bucket: `python -m trainer.tensorboard --logdir=gs://bucket/run`.

This program reads a bucket and keeps a local copy up to date. TensorBoard's own readers of gs:// need TensorFlow and
other credentials; without them, the default one shows nothing and reports no error.
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
_FOREIGN = ("checkpoints/", "model/")  # of a run, which TensorBoard does not show


def main(arguments: Sequence[str]) -> int:
    """Runs TensorBoard until it is stopped, and returns the exit status; all flags but `--logdir` are its own."""
    parser = argparse.ArgumentParser(prog="python -m trainer.tensorboard", add_help=False, allow_abbrev=False)
    parser.add_argument("--logdir", default="runs")
    options, others = parser.parse_known_args(arguments)
    try:
        with _local(options.logdir) as folder:
            return _show(["--logdir", folder, *others])
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
