"""The mistakes of which the network is most certain."""

from trainer.pages.html import Html, folded, joined, name, note, text
from trainer.pages.page import Section
from trainer.pages.picture import figure
from trainer.pages.run.facts import FINISHED, Run
from trainer.pages.table import columns, table

_TAG = "results/worst_mistakes"


def section(run: Run) -> Section | None:
    """Returns the section; nothing before the end of the run, or if the log has no such facts."""
    if run.state != FINISHED or "mistakes" not in run.validation:
        return None
    found = [(run.classes[true], run.classes[other], share) for true, other, share in run.validation["mistakes"]]
    if not found:
        return Section("mistakes", "Worst mistakes", note(text(f"No validation {run.samples} are classified wrongly.")))
    parts: list[Html] = [note(text("Validation samples that are classified wrongly with the highest probability."))]
    if _TAG in run.pictures:
        described = "; ".join(f"{true} taken for {other}, {share:.0%}" for true, other, share in found[:5])
        parts.append(
            figure(
                run.pictures[_TAG],
                text("true class as predicted class, probability"),
                f"The worst mistakes: {described}.",
            )
        )
    rows = [
        [text(number), name(true), name(other), text(f"{share:.1%}")]
        for number, (true, other, share) in enumerate(found, 1)
    ]
    head = columns(["", "true", "predicted", "probability"])
    parts.append(folded(text("The same as a table"), table(text("The worst mistakes"), head, rows)))
    return Section("mistakes", "Worst mistakes", joined(parts))
