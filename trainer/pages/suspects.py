"""The page of suspect samples: pictures with their labels and predictions, near-duplicates side by side."""

import dataclasses
import datetime
from collections.abc import Sequence

from trainer.objectives.suspects.doubts import Words
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
      label: its class, labels or numbers as they are given.
      picture: a PNG file; empty if the page has no room for it.
      said: why it is suspect, in texts, each with the name that follows it; empty for a near-duplicate.
    """

    name: str
    part: str
    label: str
    picture: bytes
    said: Sequence[tuple[str, str]] = ()


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
        """What its samples are given as."""
        return sorted({one.label for one in self.samples})


@dataclasses.dataclass(frozen=True)
class Suspects:
    """What the page is about.

    Attributes:
      data: what `--data` names.
      samples: what they are, in the plural.
      checked: the number of samples whose classes, labels or numbers were checked.
      words: how suspects are described.
      share: the estimated share of wrong classes or labels; None for numbers.
      labels: suspects by class, label or number, the most suspect first.
      groups: near-duplicates, those across parts first.
      list: the name of the list's file.
      commands: what to do with it.
    """

    data: str
    samples: str
    checked: int
    words: Words
    share: float | None
    labels: Sequence[Pictured]
    groups: Sequence[Group]
    list: str
    commands: str


def html(suspects: Suspects, now: datetime.datetime) -> str:
    """Returns the page.

    Args:
      suspects: what was found.
      now: the time of writing.
    """
    words, share = suspects.words, EMPTY
    if suspects.share is not None:
        share = note(text(f"Estimated share of {words.share}: {suspects.share:.1%}."))
    lead = joined(
        [
            paragraph(
                name(suspects.data), text(f": the {words.heading} of {suspects.checked:,} {suspects.samples} checked.")
            ),
            share,
        ]
    )
    return page.document("Suspect samples", lead, [_labels(suspects), _groups(suspects), _commands(suspects)], now)


def _labels(suspects: Suspects) -> Section:
    words, samples = suspects.words, suspects.samples
    title = words.heading.capitalize()
    if not suspects.labels:
        return Section("labels", title, note(text(words.nothing.format(samples=samples))))
    found = f"{len(suspects.labels):,} of {suspects.checked:,} {samples}, the most suspect first."
    about = note(text(f"{found} {words.about}"))
    figures = [_labelled(number, one) for number, one in enumerate(suspects.labels, 1) if one.picture]
    rest = len(suspects.labels) - len(figures)
    more = note(text(f"{rest:,} more are only in the list: this file has at most 5 MB.")) if rest else EMPTY
    return Section("labels", title, joined([about, _even(gallery(figures, _SHOWN, samples)), more]))


def _labelled(number: int, one: Pictured) -> Html:
    said = [part for before, called in one.said for part in (text(before), name(called) if called else EMPTY)]
    caption = joined([text(f"{number}. "), *said, element("br"), text(f"{one.part}: "), name(one.name)], "")
    plain = "".join(before + called for before, called in one.said)
    return figure(one.picture, caption, f"A suspect sample: {plain}.")


def _groups(suspects: Suspects) -> Section:
    if not suspects.groups:
        return Section("duplicates", "Near-duplicates", note(text(f"No two {suspects.samples} are almost the same.")))
    about = note(
        text(
            f"{len(suspects.groups):,} groups. The first of each group stays, the others are in the list. A group "
            "across parts makes an accuracy too high: the network is tested on what it was trained on."
        )
    )
    shown = [_group(number, one, suspects.words) for number, one in enumerate(suspects.groups, 1)]
    return Section("duplicates", "Near-duplicates", joined([about, *shown]))


def _group(number: int, group: Group, words: Words) -> Html:
    how = f"nearest distance {group.distance:.3f}" if group.distance else "exact copies"
    marks = [how]
    if len(group.parts) > 1:
        marks.append(f"across parts: {', '.join(group.parts)}")
    if len(group.labels) > 1:
        marks.append(f"different {words.heading}")
    figures = [
        figure(
            one.picture,
            joined([name(one.label), text(f", {one.part}"), element("br"), name(one.name)], ""),
            f"A sample of {one.part}: {one.label}.",
        )
        for one in group.samples
        if one.picture
    ]
    heading = subheading(text(f"Group {number}: {'; '.join(marks)}"))
    if not figures:
        return joined([heading, *(paragraph(name(one.name), text(f" ({one.part})")) for one in group.samples)])
    return joined([heading, _even(gallery(figures, _SHOWN, _others(group)))])


def _even(pictures: Html) -> Html:
    """Returns a gallery in columns of equal width, the pictures of a row on one line."""
    return element("div", {"class": "even"}, pictures)


def _others(group: Group) -> str:
    """Returns the word for the samples of a group that are folded away."""
    return "copies" if not group.distance else "near-duplicates"


def _commands(suspects: Suspects) -> Section:
    about = paragraph(
        text(f"Look at the pictures, delete the lines of right ones from {suspects.list}, and train without the rest:")
    )
    return Section("commands", "What next", joined([about, command(suspects.commands)]))
