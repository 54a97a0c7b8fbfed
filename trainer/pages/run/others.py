"""Pictures of the log that no other section shows, by the first part of their tags."""

from collections import defaultdict

from trainer.pages.html import Html, joined, name, subheading, text
from trainer.pages.page import Section
from trainer.pages.picture import figure, gallery
from trainer.pages.run.facts import Run

_SHOWN = 2  # pictures of each kind that are not folded away
_ELSEWHERE = (
    *("filters/", "exciting/", "visualised/", "concepts", "feature_maps/"),
    *("what_decides/", "attribution/", "results/", "data/", "augmentation"),
)


def section(run: Run) -> Section | None:
    """Returns the section; nothing if there are no such pictures."""
    kinds: dict[str, list[Html]] = defaultdict(list)
    for tag, content in run.pictures.items():
        if not tag.startswith(_ELSEWHERE):
            kind, _, rest = tag.partition("/")
            kinds[kind].append(figure(content, name(rest or kind), f"{kind.replace('_', ' ')}: {rest}"))
    parts = [
        part
        for kind, figures in kinds.items()
        for part in (subheading(text(kind.replace("_", " ").capitalize())), gallery(figures, _SHOWN, "pictures"))
    ]
    return Section("others", "More pictures", joined(parts)) if parts else None
