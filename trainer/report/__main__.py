"""Writes the report of a run or a study as one HTML file: `python -m trainer.report --job_dir=runs/a`."""

import contextlib
import datetime
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer import console, files
from trainer.buckets.location import is_remote
from trainer.errors import StoppedError, StorageError, UsageError
from trainer.parsers import Parser
from trainer.quiet import without_chatter

_NAME, _STUDY = "report.html", "study.json"
_WANTED = ("hparams.json", "study.json", "model/model.json", "checkpoints/latest.json")  # of a bucket, and the logs


def main(arguments: Sequence[str]) -> int:
    """Writes a report, prints where it is, and returns the exit status.

    2: a flag breaks a rule, or the folder holds no run and no study. 4: the bucket cannot be read, or the disk is full.
    """
    if "--help" in arguments or "-h" in arguments:
        print(parser().format_help(), end="")
        return 0
    try:
        given = parser().read(arguments)
        if not given.job_dir:
            raise UsageError("`--job_dir` must be the folder of a run or of a study. Received: nothing")
        if not is_remote(given.job_dir):
            _check(Path(files.expanded(given.job_dir)), given.job_dir)
        output = _output(given.job_dir, given.output)
        with without_chatter():
            import tensorflow  # noqa: F401  as the reader of event files does, a little later

            import trainer.pages.run.report  # noqa: F401
        with _local(given.job_dir) as folder:
            content = _content(folder, files.expanded(given.job_dir).rstrip("/") or "/")
        _write(output, content)
    except (UsageError, StorageError) as error:
        console.report(f"trainer.report: {error}")
        return 2 if isinstance(error, UsageError) else 4
    except (KeyboardInterrupt, StoppedError):
        return 130
    console.report(f"report in {output}", sys.stdout)
    return 0


def parser() -> Parser:
    """Returns what reads the command line, and explains it."""
    made = Parser(
        "python -m trainer.report",
        "Writes the report of a run or a study, running or finished, as one HTML file that needs nothing else.",
    )
    made.add_argument("--job_dir", default="", help="folder of the run or of the study; also gs://…")
    made.add_argument(
        "--output",
        default="",
        help="file of the report; by default report.html in the folder, or report-NAME.html here if that is gs://…/NAME",
    )
    return made


def _output(job_dir: str, output: str) -> Path:
    """Returns the file of the report.

    Raises:
      UsageError: it is in a bucket, or it is something else than a report.
    """
    from trainer.pages import page

    if is_remote(output):
        raise UsageError(f"`--output` must be a file on this machine. Received: {output}")
    if output:
        path = Path(files.expanded(output))
    elif is_remote(job_dir):
        path = Path(f"report-{job_dir.rstrip('/').rpartition('/')[2]}.html")
    else:
        path = Path(files.expanded(job_dir), _NAME)
    if path.is_dir():
        raise UsageError(f"`--output` must be a file. Received: {path}, a folder")
    if not page.may_be_written(path):
        raise UsageError(f"`--output` must be a new file, or a report to replace. Received: {path}, another file")
    return path


@contextlib.contextmanager
def _local(job_dir: str) -> Iterator[Path]:
    """Yields a folder on this machine with what a report needs."""
    if not is_remote(job_dir):
        yield Path(files.expanded(job_dir))
        return
    from trainer.buckets.follow import Follower

    with tempfile.TemporaryDirectory(prefix="trainer-report-") as folder:
        Follower(job_dir, Path(folder), is_wanted=_is_wanted, log=_report).catch_up()
        yield Path(folder)


def _is_wanted(name: str) -> bool:
    return name in _WANTED or (name.startswith("logs/") and "tfevents" in name)


def _content(folder: Path, location: str) -> str:
    """Returns the report of what a folder holds.

    Raises:
      UsageError: it holds no run and no study.
    """
    now = datetime.datetime.now()
    if (folder / _STUDY).is_file():
        from trainer.study.screen import record
        from trainer.study.screen import report as of_study

        return of_study.html(record.read(folder / _STUDY), location, now)
    from trainer.pages.run import facts, report

    shell = facts.Shell.here(f"{location}/model", f"{location}/logs")
    return report.html(facts.read(facts.Folders.below(folder), location, shell), now)


def _check(folder: Path, location: str) -> None:
    """Raises `UsageError` for a path that is no folder of a run or a study, before anything large is imported."""
    rule = "`--job_dir` must be the folder of a run or of a study"
    try:
        names = {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        raise UsageError(f"{rule}. Received: {location}, which does not exist") from None
    except OSError as error:
        raise UsageError(f"{rule}. Received: {location} ({error.strerror})") from None
    if not names & {"hparams.json", _STUDY}:
        what = f"contains neither hparams.json nor {_STUDY}" if names else "is empty"
        raise UsageError(f"{rule}. Received: {location}, which {what}")


def _write(path: Path, content: str) -> None:
    from trainer.pages import page

    try:
        page.write(path, content)
    except OSError as error:
        raise UsageError(
            f"`--output` must be a file that can be written. Received: {path} ({error.strerror})"
        ) from None


def _report(line: str) -> None:
    console.report(f"trainer.report: {line}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:]))
