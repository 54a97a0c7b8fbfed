"""The network as a table of its layers."""

from trainer.pages.html import folded, joined, note, text
from trainer.pages.page import Section
from trainer.pages.run.facts import Run
from trainer.pages.table import cells_of_markdown, columns, table

_MOST_ROWS = 24  # of a table that is not folded away
_NUMBERS = 6  # the index of the first column of numbers


def section(run: Run) -> Section | None:
    """Returns the section; nothing if the log has no table."""
    cells = cells_of_markdown(run.texts.get("network", ""))
    if not cells:
        return None
    head, *rows = cells
    layers = table(
        text("Layers in the order in which they are computed"),
        columns(head, _NUMBERS),
        [[text(cell) for cell in row] for row in rows],
    )
    body = [layers if len(rows) <= _MOST_ROWS else folded(text(f"{len(rows) - 1} layers"), layers)]
    why = run.record.get("network", {}).get("reason")
    if why:
        body.insert(0, note(text(f"{run.record['network']['family']}: {why}.")))
    return Section("network", "Network", joined(body))
