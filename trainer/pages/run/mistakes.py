"""The mistakes of which the network is most certain, on the validation and on the test samples."""

from collections.abc import Mapping
from typing import Any

from trainer.pages.html import Html, folded, joined, name, note, subheading, text
from trainer.pages.page import Section
from trainer.pages.picture import figure
from trainer.pages.run.facts import FINISHED, Run
from trainer.pages.table import columns, table


def section(run: Run) -> Section | None:
    """Returns the section; nothing before the end of the run, or if the log has no such facts."""
    parts = [
        *_part(run, "validation", run.validation, "results/worst_mistakes"),
        *_part(run, "test", run.tested, "results/worst_test_mistakes"),
    ]
    if run.state != FINISHED or not parts:
        return None
    about = note(text("Samples that are classified wrongly with the highest probability."))
    return Section("mistakes", "Worst mistakes", joined([about, *parts]))


def _part(run: Run, part: str, facts: Mapping[str, Any], tag: str) -> list[Html]:
    """Returns the mistakes of a part; nothing if they are not known."""
    if "mistakes" not in facts:
        return []
    parts = [subheading(text(f"{part.capitalize()} {run.samples}"))]
    found = [(run.classes[true], run.classes[other], share) for true, other, share in facts["mistakes"]]
    if not found:
        some = f" of the first {facts['classified']:,}" if "classified" in facts else ""
        return [*parts, note(text(f"No {part} {run.samples}{some} are classified wrongly."))]
    if tag in run.pictures:
        described = "; ".join(f"{true} taken for {other}, {share:.0%}" for true, other, share in found[:5])
        caption = text("true class as predicted class, probability")
        parts.append(figure(run.pictures[tag], caption, f"The worst mistakes on {part} {run.samples}: {described}."))
    rows = [
        [text(number), name(true), name(other), text(f"{share:.1%}")]
        for number, (true, other, share) in enumerate(found, 1)
    ]
    head = columns(["", "true", "predicted", "probability"])
    listed = table(text(f"The worst mistakes on {part} {run.samples}"), head, rows)
    return [*parts, folded(text("The same as a table"), listed)]
