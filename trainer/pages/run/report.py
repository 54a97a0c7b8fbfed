"""A run's report as a page: the list of its sections."""

import datetime
from collections.abc import Callable

from trainer.pages import page
from trainer.pages.html import Html, joined, name, note, paragraph, text
from trainer.pages.page import Section
from trainer.pages.run import (
    commands,
    configuration,
    confusion,
    curves,
    data,
    decides,
    learned,
    mistakes,
    network,
    others,
    result,
)
from trainer.pages.run.facts import Run

# In the order of the page. A further section is one more module with a function `section`, and one more line here.
_SECTIONS: tuple[Callable[[Run], Section | None], ...] = (
    result.section,
    curves.section,
    confusion.section,
    mistakes.section,
    decides.section,
    learned.section,
    others.section,
    network.section,
    data.section,
    configuration.section,
    commands.section,
)


def html(run: Run, now: datetime.datetime) -> str:
    """Returns the report of a run.

    Args:
      run: its facts.
      now: the time of writing.
    """
    sections = [found for make in _SECTIONS if (found := make(run))]
    title = run.location.rstrip("/").rpartition("/")[2] or run.location
    return page.document(f"Run {title}", _lead(run), sections, now)


def _lead(run: Run) -> Html:
    lines = [paragraph(name(run.location), text(f": {result.progress(run)}"))]
    if not run.pictures:
        lines.append(note(text("The log has no pictures, as with --log_images=never.")))
    if run.left_out:
        lines.append(note(text(f"{run.left_out} pictures are only in TensorBoard: this file has at most 5 MB.")))
    return joined(lines)
