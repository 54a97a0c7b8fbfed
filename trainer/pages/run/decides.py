"""What decides: attributions of predictions, and how far each method can be believed."""

from collections.abc import Mapping
from typing import Any

from trainer.insight.explained import NAMES
from trainer.pages.html import EMPTY, Html, element, joined, name, note, paragraph, text
from trainer.pages.page import Section
from trainer.pages.picture import figure, gallery
from trainer.pages.run.facts import Run
from trainer.pages.table import columns, table

_HEADS = {"road": "ROAD"}
_SHOWN = 4  # pictures that are not folded away
_CHECKS = {
    "attribution/completeness_residual": "Integrated gradients add up to the output, but for a residual of at most",
    "attribution/sanity_grad_cam": "Correlation of Grad-CAM with that of a network of random weights (lower is better)",
    "attribution/sanity_integrated_gradients": "The same of integrated gradients",
}


def section(run: Run) -> Section | None:
    """Returns the section; nothing if there are no attributions."""
    figures = [
        figure(
            content,
            joined([text("Class "), name(label)], ""),
            f"A validation sample of class {label}, and the evidence for this class by each method.",
        )
        for label, content in run.tagged("what_decides/").items()
    ]
    if not figures:
        return None
    curves = [
        figure(content, text("Deletion and insertion"), "The probability of the class as its evidence goes or comes.")
        for content in run.tagged("attribution/").values()
    ]
    shown = [gallery(figures, _SHOWN, "classes"), gallery(curves, 1, "curves")]
    return Section("decides", "What decides", joined([_cues(run), _explanation(run), *shown, _checks(run)]))


def _cues(run: Run) -> Html:
    """Returns the lines on classes that a watermark may decide."""
    return joined([element("p", {"class": "warning"}, text(f"{line}.")) for line in run.cues])


def _explanation(run: Run) -> Html:
    """Returns the scores of the methods, where the model's card has them."""
    found = run.card.get("explanation")
    if not isinstance(found, Mapping):
        return EMPTY
    scores = found.get("scores")
    parts = (
        [
            paragraph(
                text(f"By these scores, {NAMES.get(found['method'], found['method'])} is the most faithful method.")
            )
        ]
        if found.get("method")
        else []
    )
    if isinstance(scores, Mapping) and scores:
        by_method = {
            str(key): value if isinstance(value, Mapping) else {"score": value} for key, value in scores.items()
        }
        names = [*dict.fromkeys(str(one) for values in by_method.values() for one in values)]
        rows = [
            [text(NAMES.get(method, method)), *(_number(values.get(one)) for one in names)]
            for method, values in by_method.items()
        ]
        parts.append(
            table(text("Scores of each method"), columns(["method", *(_HEADS.get(one, one) for one in names)], 1), rows)
        )
    return joined(parts)


def _checks(run: Run) -> Html:
    scalars = run.curves.get("validation", {})
    rows = [[text(what), text(f"{scalars[tag][1][-1]:.3g}")] for tag, what in _CHECKS.items() if tag in scalars]
    if not rows:
        return EMPTY
    about = note(text("Evidence for the true class. These checks say whether the maps depend on what was learned."))
    return joined([about, table(text("Checks of the attributions"), columns(["check", "value"], 1), rows)])


def _number(value: Any) -> Html:
    return text(f"{value:.3f}" if isinstance(value, int | float) else "–" if value is None else value)
