"""The curves of the training: loss, accuracy or what the target has instead, and `--metric`, on both parts."""

from trainer.pages.chart import Line, chart
from trainer.pages.html import EMPTY, Html, element, folded, joined, note, text
from trainer.pages.page import Section
from trainer.pages.run.facts import Run
from trainer.pages.table import columns, table

_MOST_ROWS = 60
_CAPITALISED = ("loss", "accuracy")  # words; other metrics have the names of `--metric`
_LABELS = {"train": ("training", "first"), "validation": ("validation", "second")}


def section(run: Run) -> Section:
    """Returns the section."""
    charts = [_chart(run, name) for name in _names(run)]
    if not any(charts):
        return Section("curves", "Curves", note(text("No epoch is complete yet.")))
    return Section("curves", "Curves", joined([element("div", {"class": "charts"}, *charts), _table(run)]))


def _names(run: Run) -> list[str]:
    return [*dict.fromkeys([*_always(run), run.metric.name])]


def _always(run: Run) -> tuple[str, str]:
    return "loss", run.usual_metric.name


def _chart(run: Run, name: str) -> Html:
    lines = [Line(label, style, run.curve(part, name)) for part, (label, style) in _LABELS.items()]
    ends = [f"{line.label} from {line.points[0][1]:.4g} to {line.points[-1][1]:.4g}" for line in lines if line.points]
    title = name.capitalize() if name in _CAPITALISED else name
    return chart(title, "epoch", [line for line in lines if line.points], f"Over the epochs: {'; '.join(ends)}.")


def _table(run: Run) -> Html:
    found = {(part, name): dict(run.curve(part, name)) for name in _names(run) for part in _LABELS}
    found = {key: values for key, values in found.items() if values or key[1] in _always(run)}
    epochs = sorted({epoch for values in found.values() for epoch in values})
    if not epochs:
        return EMPTY
    step = -(-len(epochs) // _MOST_ROWS)
    shown = epochs if step == 1 else [*epochs[:-1:step], epochs[-1]]
    titles = [f"{_LABELS[part][0]} {name}" for part, name in found]
    rows = [
        [text(f"{epoch:g}"), *(text(f"{values[epoch]:.4f}" if epoch in values else "–") for values in found.values())]
        for epoch in shown
    ]
    others = "".join(f", {name}" for name in _names(run) if name not in _always(run))
    every = f"; every {step}th epoch" if step > 1 else ""
    caption = f"Loss and {run.usual_metric.name}{others} after each epoch{every}"
    return folded(text("The numbers"), table(text(caption), columns(["epoch", *titles], 1), rows))
