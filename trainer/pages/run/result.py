"""The result: the test accuracy with its interval, and each class's scores."""

from collections.abc import Iterator, Sequence
from typing import Any

from trainer import interval
from trainer.hparams import CLASSES
from trainer.metrics import ACCURACY
from trainer.pages.html import EMPTY, Html, element, joined, name, note, paragraph, text
from trainer.pages.page import Section
from trainer.pages.picture import figure
from trainer.pages.run.facts import FINISHED, RUNNING, Run
from trainer.pages.table import columns, table

_MOST_CLASSES = 40  # rows of the table
_WIDTH = 400  # of the interval's drawing


def section(run: Run) -> Section:
    """Returns the section."""
    if run.target == CLASSES:
        parts = [*_accuracy(run), *_training(run), _scores(run)]
    else:
        parts = [*_measured(run), *_training(run)]
    return Section("result", "Result", joined(parts))


def progress(run: Run) -> str:
    """Returns how far a run is, as in `running, epoch 7 of 14`."""
    epochs, asked = run.epochs, run.configuration.get("epochs")
    total = f" of {asked}" if isinstance(asked, int) and asked >= epochs and asked else ""
    if run.state == FINISHED:
        return f"finished, {epochs} epoch{'' if epochs == 1 else 's'}"
    at = epochs + 1 if run.state == RUNNING and not (total and epochs == asked) else epochs
    return f"{run.state}, epoch {at}{total}"


def _measured(run: Run) -> list[Html]:
    """Returns the result of labels or numbers, and what they do not have."""
    why = f"The {run.samples} have {run.target}, not one class each: no confusion matrix, no list of mistakes."
    if "result" not in run.card:
        return [paragraph(text("The test samples are evaluated once, at the end of the run.")), note(text(why))]
    found = run.card["result"]
    shown = found["rows"][:_MOST_CLASSES]
    more = len(found["rows"]) - len(shown)
    rule = f"; the first {len(shown)} of {len(found['rows']):,}" if more > 0 else ""
    rows = [[name(label), *map(text, numbers)] for label, *numbers in shown]
    title = text(f"Results on the {found.get('part', 'test')} {run.samples}{rule}")
    return [
        paragraph(text(f"{found['summary'][:1].upper()}{found['summary'][1:]}.")),
        table(title, columns([run.target, *found["columns"]], 1), rows),
        note(text(why)),
        *(
            figure(content, text(f"Validation {run.samples}: {tag}"), f"The results of the validation {run.samples}.")
            for tag, content in run.tagged("results/").items()
        ),
    ]


def _accuracy(run: Run) -> list[Html]:
    tested = int(run.card.get("samples", {}).get("test", 0))
    accuracy = run.card.get("accuracy")
    if accuracy is None or not tested:
        best = max((value for _, value in run.curve("validation", "accuracy")), default=None)
        so_far = f"The best validation accuracy so far is {best:.2%}. " if best is not None else ""
        return [paragraph(text(f"{so_far}The test samples are evaluated once, at the end of the run."))]
    low, high = interval.wilson(accuracy, tested)
    noun = run.samples.removesuffix("s") if tested == 1 else run.samples
    return [
        element("p", {"class": "result"}, text(f"{accuracy:.2%}")),
        paragraph(text(f"test accuracy on {tested:,} {noun}; 95 % interval (Wilson): {100 * low:.2f} to {high:.2%}")),
        _drawn(low, high, accuracy),
    ]


def _drawn(low: float, high: float, accuracy: float) -> Html:
    """Returns the interval on a line from 0 to 100 %."""

    def place(share: float) -> float:
        return round(8 + share * (_WIDTH - 16), 1)

    def mark(share: float, anchor: str) -> Html:
        return element("text", {"x": place(share), "y": 28, "text-anchor": anchor}, text(f"{share:.0%}"))

    return element(
        "svg",
        {
            "class": "scale",
            "viewBox": f"0 0 {_WIDTH} 32",
            "role": "img",
            "aria-label": f"{accuracy:.2%}, from {low:.2%} to {high:.2%}, on a line from 0 to 100 %",
        },
        element("line", {"class": "track", "x1": place(0), "x2": place(1), "y1": 8, "y2": 8}),
        element("line", {"class": "range", "x1": place(low), "x2": place(high), "y1": 8, "y2": 8}),
        element("circle", {"class": "bar", "cx": place(accuracy), "cy": 8, "r": 6}),
        mark(0, "start"),
        mark(1, "end"),
    )


def _training(run: Run) -> list[Html]:
    network, parts = run.record.get("network", {}), []
    if network:
        family = str(network.get("family"))
        kind = f"a {family} file" if family.startswith(".") else family
        parts.append(f"Network: {kind}, {network.get('parameters', 0):,} parameters.")
    validation = run.curve("validation", ACCURACY.name)
    if validation:
        epoch, best = max(validation, key=lambda point: point[1])
        parts.append(
            f"Best validation accuracy: {best:.2%}, after epoch {epoch:g}; at the end {validation[-1][1]:.2%}."
        )
    parts.extend(_metric(run))
    points = run.curves.get("train", {}).get("loss")
    if points and len(points[2]) > 0:
        parts.append(f"The last epoch ended {_duration(points[2][-1])} after the log began.")
    return [paragraph(text(" ".join(parts)))] if parts else []


def _metric(run: Run) -> Iterator[str]:
    """Yields sentences about `--metric` unless it is the accuracy."""
    metric = run.metric
    found = run.curve("validation", metric.name)
    if metric is ACCURACY or not found:
        return
    epoch, best = max(found, key=lambda point: metric.rank_of(point[1]))
    yield f"Best {metric.tag}: {best:.4f}, after epoch {epoch:g}; at the end {found[-1][1]:.4f}."
    tested = run.record.get("outcome", {}).get(f"test_{metric.name}")
    if tested is not None:
        yield f"On the test {run.samples}, {metric.name} is {tested:.4f}."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _scores(run: Run) -> Html:
    scores: Sequence[dict[str, Any]] = run.card.get("scores", ())
    if not scores:
        return EMPTY
    shown, rule = scores, ""
    if len(scores) > _MOST_CLASSES:
        known = [one for one in scores if one["f1"] is not None]
        shown = sorted(known, key=lambda one: one["f1"])[:_MOST_CLASSES]
        rule = f"; the {_MOST_CLASSES} of {len(scores):,} classes with the lowest F1"
    head = columns(["class", "precision", "recall", "F1", f"test {run.samples}"], 1)
    rows = [
        [name(one["name"]), *(_share(one[part]) for part in ("precision", "recall", "f1")), text(f"{one['support']:,}")]
        for one in shown
    ]
    missing = any(one[part] is None for one in shown for part in ("precision", "recall", "f1"))
    about = note(text("– means that the score is undefined: the class has no test samples, or is never predicted."))
    return joined(
        [table(text(f"Scores of each class on the test {run.samples}{rule}"), head, rows), about if missing else EMPTY]
    )


def _share(value: float | None) -> Html:
    return text("–" if value is None else f"{value:.3f}")
