"""A job on Vertex AI, followed until it ends."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console

from trainer.buckets.objects.failure import UnreachableError
from trainer.study.config import document as config
from trainer.study.vertex.fetched import failure_of, trials_of
from trainer.study.vertex.job import ENDED, TUNING, Kind

_INTERVAL = 15  # seconds between two looks at the job; it changes by the minute
_TICK = 1.0  # seconds between two looks at the clock, which the table shows

Document = Mapping[str, Any]
Show = Callable[[Document], None]


def watch(
    look: Callable[[], Document], show: Show, note: Callable[[str], None], wait: Callable[[float], object]
) -> Document:
    """Returns a job that has ended.

    A connection that is lost changes nothing about the job; it is reported once, and waited for.

    Args:
      look: returns the job as it is now. Raises UnreachableError.
      show: shows a job, after each look and each second between them.
      note: shows a line that stays.
      wait: spends some seconds.
    """
    document: Document = {}
    is_lost = False
    while True:
        try:
            document = look()
        except UnreachableError as error:
            if not is_lost:
                note(f"{error}; the job continues, and its state is read every {_INTERVAL} s")
            is_lost = True
        else:
            if is_lost:
                note("the service answers again")
            is_lost = False
        if document:
            show(document)
        if document.get("state") in ENDED:
            return document
        for _ in range(_INTERVAL):
            wait(_TICK)
            if document:
                show(document)


@contextlib.contextmanager
def shown(
    kind: Kind, document: Document, screen: Console, clock: Callable[[], float]
) -> Iterator[tuple[Show, Callable[[str], None]]]:
    """Gives a function that shows a job of this kind, and one that shows a line that stays.

    Args:
      kind: of the job.
      document: the job.
      screen: what a person watches.
      clock: seconds since 1970.
    """
    if kind is not TUNING:
        yield _report_changes(log := _logger(screen)), log
        return
    from trainer.study.screen.table import LiveTable

    with LiveTable(config.job(document), screen, clock) as table:
        changed = _report_changes(table.note)

        def show(document: Document) -> None:
            changed(document)
            table.update(trials_of(document))

        yield show, table.note


def state_of(document: Document) -> str:
    """Returns a job's state as a word."""
    return str(document.get("state", "JOB_STATE_PENDING")).removeprefix("JOB_STATE_").lower().replace("_", " ")


def _report_changes(log: Callable[[str], None]) -> Show:
    """Returns a function that reports each new state of a job, and why it has failed."""
    reported = [""]

    def show(document: Document) -> None:
        state = state_of(document)
        if reported[0] != state:
            reported[0] = state
            reason = failure_of(document)
            log(f"job state: {state}{f', {reason}' if reason else ''}")

    return show


def _logger(screen: Console) -> Callable[[str], None]:
    return lambda line: screen.out(line, highlight=False)
