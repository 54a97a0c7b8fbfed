"""The data: classes, numbers of samples, samples, what was left out, what to know of them."""

from trainer.pages import private
from trainer.pages.html import EMPTY, Html, folded, joined, listed, name, note, paragraph, subheading, text
from trainer.pages.page import Section
from trainer.pages.picture import figure
from trainer.pages.run.facts import Run
from trainer.pages.table import columns, table

_MOST_CLASSES, _MOST_LINES = 60, 20
_PARTS = ("train", "validation", "test")


def section(run: Run) -> Section:
    """Returns the section."""
    counts = run.record.get("data", {}).get("counts") or run.card.get("samples", {})
    numbers = ", ".join(f"{counts[part]:,} {part}" for part in _PARTS if part in counts)
    where = private.value_of("data", run.configuration.get("data", ""))
    about = [text("Data: "), name(where), text(f". {numbers} {run.samples}, {len(run.classes):,} {run.target}.")]
    if run.data.get("described"):
        about.append(text(f" {run.data['described'][:1].upper()}{run.data['described'][1:]}."))
    parts = [paragraph(*about), _caveats(run), _left_out(run), _classes(run), _samples(run)]
    return Section("data", "Data", joined(parts))


def _caveats(run: Run) -> Html:
    caveats = run.data.get("caveats", ())
    return joined([subheading(text("Caveats")), listed([text(one) for one in caveats])]) if caveats else EMPTY


def _left_out(run: Run) -> Html:
    lines = [text(one) for one in run.data.get("left_out", ())]
    parts = []
    if lines:
        more = run.data.get("left_out_count", len(lines)) - _MOST_LINES
        shown = [*lines[:_MOST_LINES], *([text(f"and {more:,} more")] if more > 0 else [])]
        parts.append(
            folded(
                text(f"Left out by --skip_broken=yes: {run.data.get('left_out_count', len(lines)):,}"), listed(shown)
            )
        )
    per_epoch = run.record.get("epoch", {}).get("left_out")
    if per_epoch:
        parts.append(note(text(f"{per_epoch:,} training {run.samples} fill no batch in each epoch; others each time.")))
    return joined(parts)


def _classes(run: Run) -> Html:
    counts = run.data.get("counts", {})
    if not counts:
        return EMPTY
    shown = run.classes[:_MOST_CLASSES]
    rows = [[name(label), *(text(f"{counts[part][index]:,}") for part in _PARTS)] for index, label in enumerate(shown)]
    more = len(run.classes) - len(shown)
    rule = f"; the first {len(shown)} of {len(run.classes):,} {run.target}" if more > 0 else ""
    one = {"labels": "label"}.get(run.target, "class")
    return table(text(f"{run.samples.capitalize()} of each {one}{rule}"), columns([one, *_PARTS], 1), rows)


def _samples(run: Run) -> Html:
    figures = []
    if "data/samples" in run.pictures:
        caption = f"Validation {run.samples}, as the network gets them"
        figures.append(figure(run.pictures["data/samples"], text(caption), f"{caption}, under their classes."))
    if "augmentation" in run.pictures:
        preset = run.record.get("augmentation", {}).get("preset", "")
        figures.append(
            figure(
                run.pictures["augmentation"],
                text(f"Augmentation {preset}: training {run.samples} before and after"),
                f"Training {run.samples}, each next to a randomly changed copy.",
            )
        )
    return joined([subheading(text("Samples")), *figures]) if figures else EMPTY
