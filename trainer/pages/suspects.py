"""The page of suspect samples: pictures with their labels and predictions, near-duplicates side by side."""

import dataclasses
import datetime
from collections.abc import Sequence

from trainer.pages import page
from trainer.pages.html import EMPTY, Html, command, element, joined, name, note, paragraph, subheading, text
from trainer.pages.page import Section
from trainer.pages.picture import figure, gallery

_SHOWN = 60  # pictures that are not folded away


@dataclasses.dataclass(frozen=True)
class Pictured:
    """A sample.

    Attributes:
      name: of the sample.
      part: its part.
      label: its class as it is given.
      picture: a PNG file; empty if the page has no room for it.
      predicted: the most probable class; empty for a near-duplicate.
      probability: of that class.
      label_probability: of its own class.
    """

    name: str
    part: str
    label: str
    picture: bytes
    predicted: str = ""
    probability: float = 0.0
    label_probability: float = 0.0


@dataclasses.dataclass(frozen=True)
class Group:
    """Samples that are almost the same.

    Attributes:
      samples: the first is the one that stays.
      distance: of the nearest two; 0 for exact copies.
    """

    samples: Sequence[Pictured]
    distance: float

    @property
    def parts(self) -> list[str]:
        """The parts of its samples."""
        return sorted({one.part for one in self.samples})

    @property
    def labels(self) -> list[str]:
        """The classes of its samples."""
        return sorted({one.label for one in self.samples})


@dataclasses.dataclass(frozen=True)
class Suspects:
    """What the page is about.

    Attributes:
      data: what `--data` names.
      samples: what they are, in the plural.
      checked: the number of samples whose labels were checked.
      noise: the estimated share of wrong labels.
      labels: suspects by label, the most suspect first.
      groups: near-duplicates, those across parts first.
      commands: what to do with the list.
    """

    data: str
    samples: str
    checked: int
    noise: float
    labels: Sequence[Pictured]
    groups: Sequence[Group]
    commands: str


def html(suspects: Suspects, now: datetime.datetime) -> str:
    """Returns the page.

    Args:
      suspects: what was found.
      now: the time of writing.
    """
    lead = joined(
        [
            paragraph(name(suspects.data), text(f": {suspects.checked:,} labels checked.")),
            note(text(f"Estimated share of wrong labels: {suspects.noise:.1%}.")),
        ]
    )
    return page.document("Suspect samples", lead, [_labels(suspects), _groups(suspects), _commands(suspects)], now)


def _labels(suspects: Suspects) -> Section:
    if not suspects.labels:
        return Section("labels", "Labels", note(text(f"No {suspects.samples} have a label that is probably wrong.")))
    about = note(
        text(
            f"The {len(suspects.labels):,} {suspects.samples} whose label is most probably wrong, the most suspect "
            "first. The probabilities are those of a network that was not trained on the sample, and of its "
            "neighbours' labels."
        )
    )
    figures = [_labelled(number, one) for number, one in enumerate(suspects.labels, 1) if one.picture]
    rest = len(suspects.labels) - len(figures)
    more = note(text(f"{rest:,} more are only in the list: this file has at most 5 MB.")) if rest else EMPTY
    return Section("labels", "Labels", joined([about, gallery(figures, _SHOWN, suspects.samples), more]))


def _labelled(number: int, one: Pictured) -> Html:
    caption = joined(
        [
            text(f"{number}. label "),
            name(one.label),
            text(f" ({one.label_probability:.1%}), predicted "),
            name(one.predicted),
            text(f" ({one.probability:.1%})"),
            element("br"),
            name(one.name),
        ],
        "",
    )
    return figure(one.picture, caption, f"A sample with the label {one.label} that is predicted as {one.predicted}.")


def _groups(suspects: Suspects) -> Section:
    if not suspects.groups:
        return Section("duplicates", "Near-duplicates", note(text(f"No two {suspects.samples} are almost the same.")))
    about = note(
        text(
            f"{len(suspects.groups):,} groups. The first of each group stays, the others are in the list. A group "
            "across parts makes an accuracy too high: the network is tested on what it was trained on."
        )
    )
    shown = [_group(number, one) for number, one in enumerate(suspects.groups, 1)]
    return Section("duplicates", "Near-duplicates", joined([about, *shown]))


def _group(number: int, group: Group) -> Html:
    how = f"nearest distance {group.distance:.3f}" if group.distance else "exact copies"
    marks = [how]
    if len(group.parts) > 1:
        marks.append(f"across parts: {', '.join(group.parts)}")
    if len(group.labels) > 1:
        marks.append("different labels")
    figures = [
        figure(
            one.picture,
            joined([name(one.label), text(f", {one.part}"), element("br"), name(one.name)], ""),
            f"A sample of class {one.label} in {one.part}.",
        )
        for one in group.samples
        if one.picture
    ]
    heading = subheading(text(f"Group {number}: {'; '.join(marks)}"))
    if not figures:
        return joined([heading, *(paragraph(name(one.name), text(f" ({one.part})")) for one in group.samples)])
    return joined([heading, gallery(figures, _SHOWN, _others(group))])


def _others(group: Group) -> str:
    """Returns the word for the samples of a group that are folded away."""
    return "copies" if not group.distance else "near-duplicates"


def _commands(suspects: Suspects) -> Section:
    about = paragraph(
        text("Look at the pictures, delete the lines of right labels from the list, and train without the rest:")
    )
    return Section("commands", "What next", joined([about, command(suspects.commands)]))
