"""The output of a study while it runs: a live table, or a line for each trial if there is no terminal."""

import math
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from trainer.study.screen import columns, ties, wording
from trainer.study.spec import Job
from trainer.study.trial import ACTIVE, ENDED, INFEASIBLE, STOPPING, Trial, leading
from trainer.study.trial import best as best_of

_STYLES = {ACTIVE: "cyan", STOPPING: "yellow", INFEASIBLE: "red"}
_ROWS = 3  # are shown however low the screen is


class LiveTable:
    """Shows trials.

    On a terminal it is a table, redrawn when trials change, and each second. Otherwise it is a line for each trial that
    has ended.

    Args:
      job: the study's.
      screen: the console.
      clock: seconds since 1970.
      known: trials without a line, because they ended before.
      end: when the budget will be used, in seconds since 1970.
    """

    def __init__(
        self,
        job: Job,
        screen: Console,
        clock: Callable[[], float] = time.time,
        *,
        known: Sequence[Trial] = (),
        end: float = math.inf,
    ):
        self._job, self._screen, self._clock, self._end = job, screen, clock, end
        self._trials: tuple[Trial, ...] = ()
        self._drawn: tuple[tuple[Trial, ...], int] = ((), 0)
        self._noted = {trial.id for trial in known}
        is_live = screen.is_terminal and not screen.is_dumb_terminal
        # It has no thread of its own, for the study comes by several times a second.
        self._live = Live(get_renderable=self._table, console=screen, auto_refresh=False) if is_live else None

    def __enter__(self) -> "LiveTable":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()  # draws once more

    def update(self, trials: Sequence[Trial]) -> None:
        """Shows how trials stand now."""
        self._trials = tuple(trials)
        if self._live:
            drawn = (self._trials, int(self._clock()))
            if drawn != self._drawn:
                self._drawn = drawn
                self._live.refresh()
            return
        for trial in trials:
            if trial.state in ENDED and trial.id not in self._noted:
                self._noted.add(trial.id)
                self.note(line(self._job, trial, trials))

    def note(self, line: str) -> None:
        """Shows a line that stays, above the table."""
        self._screen.out(line, highlight=False)

    def _table(self) -> Group:
        size, now = self._screen.size, self._clock()
        # The last line is the cursor's.
        return table(self._job, self._trials, now, size.width, size.height - 1, left=self._end - now)


def table(job: Job, trials: Sequence[Trial], now: float, width: int, height: int, *, left: float = math.inf) -> Group:
    """Returns a headline, the table of trials, and how many of them there is no room for.

    The mark is at the best result shown, also that of a trial that still runs. Of too many trials those that run come
    first, then the best, then the latest.

    Args:
      job: the study's.
      trials: all so far.
      now: seconds since 1970.
      width: characters.
      height: lines.
      left: seconds of the budget.
    """
    best = leading(trials, job.selection, job.maximize)
    head = [Text(text, style="bold") for text in _folded(headline(job, trials, now, left), width)]
    if not trials:
        return Group(*head)
    # The headings may take as many lines as the longest name has words.
    titles, lines = columns.fit(columns.of_trials(job, trials, best, now), width)
    room = max(_ROWS, height - len(head) - len(titles))
    shown = range(len(trials)) if len(trials) <= room else _most_relevant(trials, best, room - 1)
    rows = [Text(lines[index], style=_style(trials[index], best), no_wrap=True) for index in shown]
    more = len(trials) - len(rows)
    return Group(
        *head,
        *(Text(title, style="dim", no_wrap=True) for title in titles),
        *rows,
        *([Text(f"… {more} more", style="dim")] if more else []),
    )


def headline(job: Job, trials: Sequence[Trial], now: float, left: float = math.inf) -> list[str]:
    """Returns how the study stands, in a few phrases; `left` are the seconds of its budget."""
    states = [trial.state for trial in trials]
    ended, failed = sum(state in ENDED for state in states), states.count(INFEASIBLE)
    running = states.count(ACTIVE) + states.count(STOPPING)
    best, usual = leading(trials, job.selection, job.maximize), time_left(job, trials, now)
    left = min(usual or math.inf, left)
    result = best.result(job.selection, job.maximize) if best else None
    return [
        f"{ended} of {wording.count(job.max_trials, 'trial')} ended",
        *([f"{running} running"] if running else []),
        *([f"{failed} infeasible"] if failed else []),
        *([f"best {job.metric} {wording.metric(result.value)} (trial {best.id})"] if best and result else []),
        *([f"{wording.duration(left)} left"] if 0 < left < math.inf else []),
    ]


def time_left(job: Job, trials: Sequence[Trial], now: float) -> float:
    """Returns for how many seconds the study still runs, if trials take as long as they did; 0 where nothing is known.

    Args:
      job: the study's.
      trials: all so far.
      now: seconds since 1970.
    """
    took = [trial.seconds for trial in trials if trial.state in ENDED and trial.started]
    if not took:
        return 0.0
    usual = sum(took) / len(took)
    running = [max(0.0, usual - (now - trial.started)) for trial in trials if trial.state in (ACTIVE, STOPPING)]
    waiting = max(0, job.max_trials - sum(trial.state in ENDED for trial in trials) - len(running))
    # A trial cannot be shared between those that run at once.
    shared = (sum(running) + waiting * usual) / max(1, job.parallel_trials)
    return max(shared, *running, usual if waiting else 0.0)


def line(job: Job, trial: Trial, trials: Sequence[Trial]) -> str:
    """Returns one line about a trial that has ended."""
    ended = sum(other.state in ENDED for other in trials)
    result, best = trial.result(job.selection, job.maximize), best_of(trials, job.selection, job.maximize)
    words = [f"trial {trial.id} ({ended} of {job.max_trials} ended):"]
    if result is None:
        words.append(f"infeasible: {trial.reason}," if trial.reason else "infeasible,")
    else:
        words.append("stopped early," if trial.stopped_early else "")
        words += [f"{job.metric} {wording.metric(result.value)}", wording.interval(ties.interval_of(job, trial))]
        words.append(f"at epoch {result.step},")
    if trial.started:
        words.append(f"{wording.duration(trial.ended - trial.started)},")
    words.append(wording.settings(trial))
    words.append("(the best so far)" if best and best.id == trial.id else "")
    return " ".join(word for word in words if word)


def _most_relevant(trials: Sequence[Trial], best: Trial | None, count: int) -> list[int]:
    """Returns which trials to show, in their own order."""

    def rank(index: int) -> tuple[bool, bool, int]:
        trial = trials[index]
        return trial.state in ENDED, trial is not best, -index

    return sorted(sorted(range(len(trials)), key=rank)[:count])


def _style(trial: Trial, best: Trial | None) -> str:
    return "bold green" if trial is best else _STYLES.get(trial.state, "")


def _folded(phrases: Sequence[str], width: int) -> list[str]:
    """Returns phrases in as few lines as they need."""
    lines: list[str] = []
    for phrase in phrases:
        if lines and len(lines[-1]) + 3 + len(phrase) <= width:
            lines[-1] += f" · {phrase}"
        else:
            lines.append(phrase)
    return lines
