"""The drawn sections of a study's report: parallel coordinates, what mattered, the curves of the trials."""

import math
from collections.abc import Sequence

from trainer.pages import parallel
from trainer.pages.chart import Line, chart
from trainer.pages.html import Html, element, folded, joined, note, text
from trainer.pages.page import Section
from trainer.study.screen import conclusion, wording
from trainer.study.screen.record import Study
from trainer.study.search.importance import importance
from trainer.study.spec import LINEAR, Parameter, Value

_WIDTH, _ROW, _LABEL = 400, 24, 130  # of the bars of what mattered
_MOST_CURVES = 60  # trials with a chart of their own


def parameters(study: Study) -> Section | None:
    """Returns the section of parallel coordinates; nothing if no trial has a result."""
    job = study.job
    measured = [(one, result) for one in study.trials if (result := one.result(job.selection, job.maximize))]
    flat = {one.name: one for one in reversed([*_each(job.parameters)])}
    if not measured or not flat:
        return None
    order = conclusion.ranked(job, study.trials)
    results = [result.value for _, result in measured]
    used = [one for one in reversed(flat.values()) if any(one.name in trial.parameters for trial, _ in measured)]
    axes = [
        _axis(one, [trial.parameters[one.name] for trial, _ in measured if one.name in trial.parameters])
        for one in used
    ]
    low, high = min(results), max(results)
    axes.append(parallel.Axis(job.metric, [low, high], [wording.metric(low), wording.metric(high)]))
    best = order[0].id if order else None
    paths = [
        parallel.Path(
            f"trial {trial.id}: {job.metric} {wording.metric(result.value)}",
            [*(trial.parameters.get(one.name) for one in used), result.value],
            "best" if trial.id == best else "other",
        )
        for trial, result in sorted(measured, key=lambda pair: pair[0].id == best)
    ]
    about = note(text("A line for each trial with a result; the thick one is the best trial."))
    return Section("parameters", "Parameters", joined([about, parallel.parallel("Parallel coordinates", axes, paths)]))


def _axis(parameter: Parameter, seen: Sequence[Value]) -> parallel.Axis:
    if parameter.values:
        values = [*parameter.values]
        is_log = parameter.scale != LINEAR and all(isinstance(value, float | int) and value > 0 for value in values)
        return parallel.Axis(parameter.name, values, [wording.parameter(value) for value in values], is_log)
    numbers = [float(value) for value in seen if not isinstance(value, str)]
    low, high = min([parameter.low, *numbers]), max([parameter.high, *numbers])
    is_log = parameter.scale != LINEAR and low > 0
    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    middle = float(round(middle)) if parameter.kind == "integer" else middle
    marks = sorted({low, middle, high})
    return parallel.Axis(parameter.name, marks, [f"{one:.3g}" for one in marks], is_log)


def _each(parameters: Sequence[Parameter]) -> list[Parameter]:
    return [found for one in parameters for found in (one, *_each([child for _, child in one.children]))]


def mattered(study: Study) -> Section:
    """Returns the section of the importance of each parameter."""
    shares = (
        study.conclusion.get("importance") if "importance" in study.conclusion else importance(study.job, study.trials)
    )
    if not shares:
        return Section("mattered", "What mattered", note(text("Too few trials have different results to know it.")))
    is_shown, doubt = conclusion.certainty(len(conclusion.ranked(study.job, study.trials)), len(shares))
    if not is_shown:
        return Section("mattered", "What mattered", note(text(f"{doubt.capitalize()}.")))
    about = note(text(f"Shares of the variance of {study.job.metric} (fANOVA)."))
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])
    bars = [part for index, (flag, share) in enumerate(ordered) for part in _bar(flag, share, index * _ROW)]
    drawn = element(
        "svg",
        {
            "class": "scale",
            "viewBox": f"0 0 {_WIDTH} {_ROW * len(ordered)}",
            "role": "img",
            "aria-label": "; ".join(f"{flag} {share:.0%}" for flag, share in ordered),
        },
        *bars,
    )
    return Section(
        "mattered", "What mattered", joined([about, *([note(text(f"{doubt.capitalize()}."))] if doubt else []), drawn])
    )


def _bar(flag: str, share: float, top: float) -> list[Html]:
    length = round(max(1.0, share * (_WIDTH - _LABEL - 46)), 1)
    return [
        element("text", {"x": _LABEL - 8, "y": top + 16, "text-anchor": "end"}, text(flag)),
        element("rect", {"class": "bar", "x": _LABEL, "y": top + 4, "width": length, "height": _ROW - 9}),
        element("text", {"x": _LABEL + length + 6, "y": top + 16}, text(f"{share:.0%}")),
    ]


def curves(study: Study) -> Section | None:
    """Returns the section of the trials' curves; nothing if nothing was measured."""
    order = conclusion.ranked(study.job, study.trials)
    best = order[0].id if order else None
    found = {one.id: [(float(m.step), m.value) for m in one.measurements] for one in study.trials if one.measurements}
    if not found:
        return None
    lines = [
        Line("the best trial" if trial == best else "", "best" if trial == best else "other", points)
        for trial, points in sorted(found.items(), key=lambda pair: pair[0] == best)
    ]
    together = chart(
        f"{study.job.metric} of all trials", "epoch", lines, "The curves of all trials, the best one thick."
    )
    each = [
        chart(f"Trial {trial}", "epoch", [Line("", "best" if trial == best else "first", points)], _ends(points))
        for trial, points in [*found.items()][:_MOST_CURVES]
    ]
    small = folded(text("Each trial by itself"), element("div", {"class": "small"}, *each))
    return Section("curves", "Curves", joined([together, small]))


def _ends(points: Sequence[tuple[float, float]]) -> str:
    return f"From {points[0][1]:.4g} to {points[-1][1]:.4g} in {len(points)} measurements"
