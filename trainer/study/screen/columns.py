"""Trials as lines of text that fit a width: headings that are too wide are folded, then cut; then columns left out."""

import dataclasses
from collections.abc import Iterator, Sequence

from trainer import command_line
from trainer.hparams import EPOCHS
from trainer.study.screen import ties, wording
from trainer.study.spec import BEST_MEASUREMENT, Job, Parameter
from trainer.study.trial import ENDED, INFEASIBLE, Trial

MARK = "★"  # at the best trial

_NONE = "–"  # of a parameter that does not exist in a trial
_LONGEST = 14  # characters of a cell
_SHORTEST = 5  # of a heading that is cut
_LAST = 10  # that the last column has at least: "infeasible"


@dataclasses.dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
      title: its heading, which may be folded at `_`.
      cells: one for each row.
      is_text: whether they begin at the left.
      worth: if there is no room, the column of least worth is left out first; one of 0 never is.
    """

    title: str
    cells: Sequence[str]
    is_text: bool = False
    worth: int = 0

    @property
    def width(self) -> int:
        return max(map(len, self.cells), default=0)


def of_trials(job: Job, trials: Sequence[Trial], best: Trial | None, now: float) -> list[Column]:
    """Returns the columns of a table of trials.

    Args:
      job: the study's.
      trials: the rows.
      best: which of them has the mark.
      now: seconds since 1970.
    """
    results = [trial.result(job.selection, job.maximize) for trial in trials]
    last = [wording.metric(trial.measurements[-1].value) if trial.measurements else "" for trial in trials]
    tops = [wording.metric(result.value) if result else "" for result in results]
    has_two = job.selection == BEST_MEASUREMENT
    marks = [f"{MARK} {trial.id}" if best and trial.id == best.id else str(trial.id) for trial in trials]
    having = {name: sum(name in trial.parameters for trial in trials) for name in _names(job.parameters)}
    names = [name for name, count in having.items() if count]
    # What few trials have is the first to go, and of what as many have the later.
    dispensable = sorted(names, key=lambda name: (having[name], -names.index(name)))
    return [
        Column("trial", marks),
        *(
            Column(name, _values(trials, name), _is_text(trials, name), worth=3 + dispensable.index(name))
            for name in names
        ),
        Column("epoch", [_epoch(job, trial) for trial in trials]),
        # The last measurement of an infeasible trial is no result, and must not look like the best one.
        *([Column(job.metric, last), Column("best", tops)] if has_two else [Column(job.metric, tops)]),
        *_intervals(job, trials),
        Column("time", [_time(trial, now) for trial in trials], worth=1),
        Column("state", [_state(trial) for trial in trials], is_text=True),
    ]


def epochs(job: Job, trial: Trial) -> str:
    """Returns how many epochs a trial takes, by its flags; nothing if they do not say, as with `--epochs=auto`."""
    if "epochs" in trial.parameters:
        said = wording.exact(trial.parameters["epochs"])
    else:
        said = command_line.last_value(job.arguments, "epochs", command_line.run_flags())
    return "" if said == "auto" else said


def longest(job: Job, trial: Trial) -> int:
    """Returns how many epochs a trial takes, by its flags or else as many as it reported, at least the default."""
    said = epochs(job, trial)
    reported = trial.measurements[-1].step if trial.measurements else 0
    return int(said) if said.isdecimal() and int(said) else max(reported, EPOCHS)


def fit(columns: Sequence[Column], width: int) -> tuple[list[str], list[str]]:
    """Returns the lines of the headings and of the rows, none of them longer than a width that is wide enough.

    Args:
      columns: the last one takes what room is left, and is cut there.
      width: characters.
    """
    kept = list(columns)
    dispensable = sorted((column for column in columns if column.worth), key=lambda column: column.worth)
    while True:
        # What is worth least, the time, is not worth headings that cannot be read.
        ways = _WAYS if len(kept) == len(columns) and dispensable else (*_WAYS, (_cut, 1))
        for headings, gap in ways:
            heads = [headings(column) for column in kept]
            *widths, _ = [max(column.width, *map(len, head)) for column, head in zip(kept, heads, strict=True)]
            room = width - sum(widths) - gap * len(widths)
            if room >= min(_LAST, kept[-1].width):
                return _lines(kept, heads, [*widths, room], gap)
        if not dispensable:
            return _lines(kept, heads, [*widths, min(_LAST, kept[-1].width)], gap)
        kept.remove(dispensable.pop(0))


def _lines(
    columns: Sequence[Column], heads: Sequence[Sequence[str]], widths: Sequence[int], gap: int
) -> tuple[list[str], list[str]]:
    height = max(map(len, heads))
    texts = [[""] * (height - len(head)) + [*head] for head in heads]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell[: width - 1] + "…" if len(cell) > width else cell.ljust(width) if column.is_text else cell.rjust(width)
            for cell, column, width in zip(cells, columns, widths, strict=True)
        ]
        return (" " * gap).join(padded).rstrip()

    rows = zip(*(column.cells for column in columns), strict=True)
    return [line(cells) for cells in zip(*texts, strict=True)], [line(cells) for cells in rows]


def _whole(column: Column) -> list[str]:
    return [column.title]


def _folded(column: Column) -> list[str]:
    """Returns a heading in as many lines as it needs to be no wider than its longest word, or its cells."""
    words = column.title.split("_")
    width = max(column.width, *map(len, words))
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _cut(column: Column) -> list[str]:
    width = max(column.width, _SHORTEST)
    return [line if len(line) <= width else line[: width - 1] + "…" for line in _folded(column)]


# From the best to look at to the narrowest.
_WAYS = ((_whole, 2), (_folded, 2), (_folded, 1))


def _names(parameters: Sequence[Parameter]) -> Iterator[str]:
    for parameter in parameters:
        yield parameter.name
        yield from _names([child for _, child in parameter.children])


def _intervals(job: Job, trials: Sequence[Trial]) -> list[Column]:
    """Returns the column of the 95 % intervals; none where no trial has one."""
    ends = [ties.interval_of(job, trial) if trial.state in ENDED else None for trial in trials]
    cells = [f"{one[0]:.3f}–{one[1]:.3f}" if one else "" for one in ends]
    return [Column("95 %", cells, worth=2)] if any(cells) else []


def _values(trials: Sequence[Trial], name: str) -> list[str]:
    """Returns a parameter's cells: of long values the beginnings, or, where these are alike, the ends."""
    values = [wording.parameter(trial.parameters[name]) if name in trial.parameters else _NONE for trial in trials]
    cut = [value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…" for value in values]
    if len({*cut}) == len({*values}):
        return cut
    return [value if len(value) <= _LONGEST else "…" + value[1 - _LONGEST :] for value in values]


def _is_text(trials: Sequence[Trial], name: str) -> bool:
    return any(isinstance(trial.parameters.get(name), str) for trial in trials)


def _epoch(job: Job, trial: Trial) -> str:
    if not trial.started and not trial.measurements:
        return ""
    step, of = (trial.measurements[-1].step if trial.measurements else 0), epochs(job, trial)
    return f"{step}/{of}" if of else str(step)


def _time(trial: Trial, now: float) -> str:
    if not trial.started:
        return ""
    end = (trial.ended or trial.started) if trial.state in ENDED else now
    return wording.clock(max(0.0, end - trial.started - trial.paused))


def _state(trial: Trial) -> str:
    state = wording.state(trial)
    return f"{state}: {trial.reason}" if trial.state == INFEASIBLE and trial.reason else state
