"""The conclusion of a study: its ranking, the importance of each parameter, and what to do next."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer import command_line
from trainer.study.screen import columns, ties, wording
from trainer.study.spec import BEST_MEASUREMENT, Job
from trainer.study.trial import INFEASIBLE, SUCCEEDED, Trial

_RANKED = 10  # trials of the ranking
_TIED = 4  # numbers of trials in a line
_REASONS = 10  # reasons of infeasible trials
_BAR = 20  # characters of a share of 100 %
_LONGER = 4  # times as many epochs
# The number of results from which the importance is shown, and from which it is certain, in all and for each parameter.
# If it is certain, no share was off by more than 0.33, and the first parameter was right in 48 of 48 studies of 5
# parameters, and in 20 of 20 of 2 and of 4. In 20 trials of 5 parameters, one share was off by 0.79, and the first
# parameter was right in 45 of 48.
_SHOWN, _SHOWN_EACH = 10, 2
_KNOWN, _KNOWN_EACH = 16, 6


def text(
    job: Job,
    trials: Sequence[Trial],
    importance: Mapping[str, float],
    folder: Path,
    *,
    tested: str = "",
    width: int = 100,
    python: str = "python",
) -> str:
    """Returns the text at the end of a study.

    Args:
      job: the study's.
      trials: all of it.
      importance: the share of each parameter in what differed between results.
      folder: the study's.
      tested: a line about the test part; empty if it was not evaluated.
      width: characters in a line of the ranking.
      python: what the commands begin with.
    """
    orders, longer = commands(job, trials, folder, python), longer_title(job, trials)
    parts = [
        _ranking(job, trials, width),
        tested,
        _shares(job, trials, importance),
        _infeasible(trials),
        _order(f"To {longer[:1].lower()}{longer[1:]}", orders.get("train_longer")),
        _order("To compare all trials on the HParams page of TensorBoard", orders["tensorboard"]),
    ]
    return "\n\n".join(part for part in parts if part)


def commands(job: Job, trials: Sequence[Trial], folder: Path, python: str = "python") -> dict[str, str]:
    """Returns the command lines to run next, `train_longer` and `tensorboard`.

    `train_longer` is about the recommended trial: the smallest of the best and those tied with it. Without a trial that
    succeeded there is none.
    """
    best = ties.recommended(job, ranked(job, trials))
    show = shlex.join([python, "-m", "trainer.tensorboard", f"--logdir={folder}"])
    if best is None:
        return {"tensorboard": show}
    flags = {**best.parameters, "epochs": _LONGER * columns.longest(job, best)}
    flags.pop("patience", None)  # of `--epochs=auto` alone
    kept = command_line.without(job.arguments, ["job_dir", "patience", *flags], command_line.run_flags())
    words = [*kept, *(f"--{name}={wording.exact(value)}" for name, value in flags.items())]
    return {"train_longer": shlex.join([python, "-m", "trainer.task", *words]), "tensorboard": show}


def longer_title(job: Job, trials: Sequence[Trial]) -> str:
    """Returns what the command `train_longer` does, as a heading."""
    order = ranked(job, trials)
    chosen = ties.recommended(job, order)
    if chosen is None or chosen is order[0]:
        return "Train the best trial longer"
    return f"Train trial {chosen.id} longer, the smallest network of the tied trials"


def ranked(job: Job, trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials that succeeded, the best first, the earlier of two equal ones before the other."""
    results = [(trial.result(job.selection, job.maximize), trial) for trial in trials if trial.state == SUCCEEDED]
    sign = -1 if job.maximize else 1
    pairs = [(sign * result.value, trial.id, trial) for result, trial in results if result]
    return [trial for *_, trial in sorted(pairs, key=lambda pair: pair[:2])]


def _ranking(job: Job, trials: Sequence[Trial], width: int) -> str:
    order = ranked(job, trials)
    if not order:
        return f"None of {wording.count(len(trials), 'trial')} succeeded."
    best, shown, also = order[0], order[:_RANKED], ""
    if (chosen := ties.recommended(job, order)) and chosen not in shown:
        shown, also = [*shown, chosen], f" and trial {chosen.id}"
    result = best.result(job.selection, job.maximize)
    rule = "best" if job.selection == BEST_MEASUREMENT else "last"
    more = "more" if job.maximize else "less"
    top = f"the first {_RANKED}{also} of {len(order)}" if len(order) > _RANKED else wording.count(len(order), "trial")
    heads, rows = columns.fit(columns.of_trials(job, shown, best, 0.0), width - 2)
    return "\n".join(
        [
            f"Trial {best.id} is the best, with {job.metric} {wording.metric(result.value) if result else ''} at epoch "
            f"{result.step if result else ''}.",
            *_certainty(job, order),
            "",
            f"Ranking, {top}, by the {rule} measurement; {more} is better:",
            *(f"  {line}" for line in (*heads, *rows)),
        ]
    )


def _certainty(job: Job, order: Sequence[Trial]) -> list[str]:
    """Returns lines about the interval of the best trial, the trials tied with it, and the smallest of all of these."""
    best = order[0]
    ends = ties.interval_of(job, best)
    if not ends:
        return []
    low, high = map(wording.metric, ends)
    lines = [f"Its 95 % interval is {low} to {high}, as of {best.validated:,} validation samples."]
    others = ties.tied(job, order)
    if others:
        ids = wording.numbers([trial.id for trial in others], _TIED)
        verb = "is" if len(others) == 1 else "are"
        lines.append(f"{ids[0].upper()}{ids[1:]} {verb} tied with it: the intervals overlap.")
        lines += _smallest(ties.recommended(job, order), best, others)
    return lines


def _smallest(trial: Trial | None, best: Trial, others: Sequence[Trial]) -> list[str]:
    """Returns a line about the smallest network of the best trial and those tied with it; none if all are equal."""
    sizes = {one.network_parameters for one in (best, *others)}
    if trial is None or 0 in sizes or len(sizes) == 1:
        return []
    than = "" if trial is best else f", not {best.network_parameters:,}"
    return [f"Of these, trial {trial.id} has the smallest network: {trial.network_parameters:,} parameters{than}."]


def certainty(results: int, count: int) -> tuple[bool, str]:
    """Returns whether the importance of parameters is known well enough to be shown, and a doubt about it, or nothing.

    Args:
      results: the number of trials with a result.
      count: the number of parameters.
    """
    parameters, wanted = wording.count(count, "parameter"), max(_KNOWN, _KNOWN_EACH * count)
    if results < max(_SHOWN, _SHOWN_EACH * count):
        few = f"{wording.count(results, 'trial')} {'is' if results == 1 else 'are'} too few to know it"
        return False, f"{few}; {parameters} need about {wanted}"
    return True, f"uncertain: {results} trials are few; {parameters} need about {wanted}" if results < wanted else ""


def _shares(job: Job, trials: Sequence[Trial], importance: Mapping[str, float]) -> str:
    if not importance:
        return ""
    is_shown, doubt = certainty(len(ranked(job, trials)), len(importance))
    if not is_shown:
        return f"Parameter importance: {doubt}."
    width = max(map(len, importance))
    lines = [f"Parameter importance, as shares of the variance of {job.metric}:"]
    if doubt:
        lines.append(f"  ({doubt})")
    for name, share in sorted(importance.items(), key=lambda pair: -pair[1]):
        full = min(_BAR, max(0, round(share * _BAR)))
        lines.append(f"  {name:{width}}  {'█' * full}{'░' * (_BAR - full)} {share:4.0%}")
    return "\n".join(lines)


def _infeasible(trials: Sequence[Trial]) -> str:
    failed = [trial for trial in trials if trial.state == INFEASIBLE]
    if not failed:
        return ""
    reasons: dict[str, list[str]] = {}
    for trial in failed:
        reasons.setdefault(trial.reason or "unknown reason", []).append(str(trial.id))
    lines = [f"{wording.count(len(failed), 'trial')} of {len(trials)} infeasible:"]
    lines += [f"  {'trial' if len(ids) == 1 else 'trials'} {', '.join(ids)}: {why}" for why, ids in reasons.items()]
    more = len(reasons) - _REASONS
    return "\n".join([*lines[: _REASONS + 1], *([f"  … {wording.count(more, 'more reason')}"] if more > 0 else [])])


def _order(what: str, command: str | None) -> str:
    return f"{what}:\n  {command}" if command else ""
