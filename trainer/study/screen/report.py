"""A study's report, `report.html`: its ranking, its parameters, what mattered, each trial's curve."""

import datetime
import shlex
from pathlib import Path

from trainer.pages import page, private
from trainer.pages.html import EMPTY, Html, command, element, joined, listed, name, paragraph, subheading, text
from trainer.pages.page import Section
from trainer.pages.table import columns, table
from trainer.study import trial as trials
from trainer.study.screen import charts, conclusion, tested, ties, wording
from trainer.study.screen.record import Study
from trainer.study.spec import Job, Value
from trainer.study.trial import INFEASIBLE, Trial


def html(study: Study, location: str, now: datetime.datetime) -> str:
    """Returns the report of a study.

    Args:
      study: as `record.read` returns it.
      location: its folder, as the user names it.
      now: the time of writing.
    """
    drawn = [charts.parameters(study), charts.mattered(study), charts.curves(study)]
    sections = [_best(study), _ranking(study), *drawn, _next(study, location)]
    ended = sum(one.state in trials.ENDED for one in study.trials)
    state = "running or interrupted" if study.state == "ACTIVE" else study.state.lower()
    lead = paragraph(name(location), text(f": {state}, {ended} of {wording.count(len(study.trials), 'trial')} ended"))
    return page.document(
        f"Study {study.job.name or location.rpartition('/')[2]}", lead, [one for one in sections if one], now
    )


def _best(study: Study) -> Section:
    job = study.job
    order = conclusion.ranked(job, study.trials)
    if not order:
        return Section("best", "Best trial", paragraph(text("No trial has succeeded yet.")))
    best, result = order[0], order[0].result(job.selection, job.maximize)
    parts = [element("p", {"class": "result"}, text(wording.metric(result.value) if result else "–"))]
    ends = ties.interval_of(job, best)
    words = f"{job.metric} of trial {best.id}, at epoch {result.step if result else '–'}"
    if ends:
        words += f"; 95 % interval (Wilson) {wording.metric(ends[0])} to {wording.metric(ends[1])}, "
        words += f"{best.validated:,} validation samples"
    parts.append(paragraph(text(words)))
    if others := ties.tied(job, order):
        verb = "is" if len(others) == 1 else "are"
        ids = wording.numbers([one.id for one in others], len(others))
        small = ties.recommended(job, order) or best
        size = f": {small.network_parameters:,} parameters" if small.network_parameters else ""
        words = f"{ids[:1].upper()}{ids[1:]} {verb} tied with it: the intervals overlap. "
        parts.append(paragraph(text(f"{words}Trial {small.id} has the smallest network of these{size}.")))
    if test := tested.line(study.conclusion.get("test", {})):
        parts.append(paragraph(text(test)))
    rows = [[element("code", None, text(f"--{flag}")), _value(flag, value)] for flag, value in best.parameters.items()]
    parts.append(table(text(f"Parameters of trial {best.id}"), columns(["flag", "value"]), rows))
    return Section("best", "Best trial", joined(parts))


def _ranking(study: Study) -> Section:
    job = study.job
    order = conclusion.ranked(job, study.trials)
    tied = {one.id for one in ties.tied(job, order)}
    failed = [one for one in study.trials if one.state == INFEASIBLE]
    others = [one for one in study.trials if one not in order and one not in failed]
    flags = [*dict.fromkeys(flag for one in study.trials for flag in one.parameters)]
    has_intervals = any(ties.interval_of(job, one) for one in study.trials)
    rows = [
        [
            text(one.id),
            text(f"{rank}{' (tied)' if one.id in tied else ''}" if rank else "–"),
            *_result(job, one)[: 1 + has_intervals],
            text(wording.state(one)),
            *(_value(flag, one.parameters[flag]) if flag in one.parameters else text("–") for flag in flags),
            text(wording.duration(one.seconds) if one.seconds else "–"),
        ]
        for rank, one in [*enumerate(order, 1), *((0, one) for one in (*others, *failed))]
    ]
    head = columns(
        ["trial", "rank", job.metric, *(["95 % interval"] if has_intervals else []), "state", *flags, "time"]
    )
    more = "more" if job.maximize else "less"
    parts = [table(text(f"All trials, the best first; {more} is better"), head, rows, "whole")]
    reasons = [text(f"Trial {one.id}: {one.reason}") for one in failed if one.reason]
    if reasons:
        parts += [subheading(text("Infeasible trials")), listed(reasons)]
    return Section("ranking", "Ranking", joined(parts))


def _result(job: Job, trial: Trial) -> list[Html]:
    result, ends = trial.result(job.selection, job.maximize), ties.interval_of(job, trial)
    interval = f"{wording.metric(ends[0])} to {wording.metric(ends[1])}" if ends and trial.state != INFEASIBLE else "–"
    return [text(wording.metric(result.value) if result else "–"), text(interval)]


def _value(flag: str, value: Value) -> Html:
    return name(private.value_of(flag, wording.parameter(value)))


def _longer(study: Study) -> str:
    """Returns the heading of the command of the record, which an earlier version made for the best trial."""
    is_old = bool(study.conclusion) and "recommended" not in study.conclusion
    return "Train the best trial longer" if is_old else conclusion.longer_title(study.job, study.trials)


def _next(study: Study, location: str) -> Section:
    found = study.conclusion or conclusion.commands(study.job, study.trials, Path(location))
    titles = {"train_longer": _longer(study), "tensorboard": "Compare all trials in TensorBoard"}
    parts = [
        part
        for key, title in titles.items()
        if found.get(key)
        for part in (subheading(text(title)), command(private.command(shlex.split(found[key]))))
    ]
    arguments = private.command(study.job.arguments) if study.job.arguments else ""
    about = [paragraph(text("Flags of every trial:")), command(arguments)] if arguments else [EMPTY]
    return Section("next", "Commands", joined([*about, *parts]))
