"""Which classes are confused, on the validation and on the test samples."""

import math
from collections.abc import Sequence

import numpy as np

from trainer.pages.html import EMPTY, Html, element, joined, listed, name, note, scrolled, subheading, text
from trainer.pages.page import Section
from trainer.pages.picture import encoded, figure
from trainer.pages.run.facts import Run

_MOST_CELLS = 16  # classes of a table; more are drawn
_MOST_DRAWN = 100
_LISTED = 10
_MOST_HEADING = 12  # characters
_STRONG = 0.55  # share from which text is white

Cells = Sequence[tuple[int, int, int]]  # true class, predicted class, number


def section(run: Run) -> Section | None:
    """Returns the section; nothing before the end of the run."""
    found = {"validation": _of_validation(run), "test": _of_test(run)}
    parts = [_part(run, part, cells) for part, cells in found.items() if cells]
    if not parts:
        return None
    about = note(text("Rows are true classes, columns predicted ones."))
    return Section("confusion", "Confusion", joined([about, *parts]))


def _of_validation(run: Run) -> list[tuple[int, int, int]]:
    return [(int(true), int(predicted), int(count)) for true, predicted, count in run.validation.get("cells", ())]


def _of_test(run: Run) -> list[tuple[int, int, int]]:
    """Returns the entries of the test samples: mistakes, and what the recall of each class says was right."""
    if "confusions" not in run.card:
        return []
    wrong = [(int(true), int(predicted), int(count)) for true, predicted, count in run.card["confusions"]]
    scores = enumerate(run.card.get("scores", ()))
    right = [(index, index, round(one["recall"] * one["support"])) for index, one in scores if one["recall"]]
    return [*right, *wrong]


def _part(run: Run, part: str, cells: Cells) -> Html:
    classes = run.classes
    total, right = sum(count for *_, count in cells), sum(count for true, other, count in cells if true == other)
    title = f"{part.capitalize()} {run.samples}: {right:,} of {total:,} correct"
    if len(classes) <= _MOST_CELLS:
        matrix = _table(title, cells, classes)
    elif len(classes) <= _MOST_DRAWN:
        matrix = _picture(title, part, cells, classes)
    else:
        matrix = EMPTY
    return joined([subheading(text(f"{part.capitalize()} {run.samples}")), matrix, _frequent(cells, classes)])


def _frequent(cells: Cells, classes: Sequence[str]) -> Html:
    wrong = sorted((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: -cell[2])
    if not wrong:
        return note(text("No mistakes."))
    items = [
        joined([text(f"{count:,} × "), name(classes[true]), text(" taken for "), name(classes[other])], "")
        for true, other, count in wrong[:_LISTED]
    ]
    more = len(wrong) - _LISTED
    return joined(
        [
            note(text("Most frequent mistakes:")),
            listed(items),
            note(text(f"and {more:,} more kinds")) if more > 0 else EMPTY,
        ]
    )


def _table(title: str, cells: Cells, classes: Sequence[str]) -> Html:
    counts = _counts(cells, len(classes))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    head = [
        element("th", {"scope": "col"}, text("true")),
        *map(_heading, classes),
    ]
    rows = []
    for true, label in enumerate(classes):
        numbers = zip(counts[true], shares[true], strict=True)
        row = [_cell(int(count), float(share), is_right=true == other) for other, (count, share) in enumerate(numbers)]
        rows.append(element("tr", None, element("th", {"scope": "row"}, name(label)), *row))
    whole = element(
        "table",
        {"class": "confusion"},
        element("caption", None, text(title)),
        element("thead", None, element("tr", None, *head)),
        element("tbody", None, *rows),
    )
    return scrolled(title, whole)


def _heading(label: str) -> Html:
    """Returns the heading of a column: a long name is cut, and whole for a pointer and a screen reader."""
    if len(label) <= _MOST_HEADING:
        return element("th", {"scope": "col"}, name(label))
    return element("th", {"scope": "col", "abbr": label, "title": label}, name(f"{label[: _MOST_HEADING - 1]}…"))


def _cell(count: int, share: float, *, is_right: bool) -> Html:
    if not count:
        return element("td")
    weight = share if is_right else math.sqrt(share)  # a mistake of 3 % is visible too
    is_strong = weight > _STRONG
    # No opacity between these: there, neither dark nor white numbers have a contrast of 4.5.
    opacity = 0.9 + 0.1 * weight if is_strong else max(0.08, 0.6 * weight / _STRONG)
    style = f"{'right' if is_right else 'wrong'}{' strong' if is_strong else ''}"
    return element("td", {"class": style, "style": f"--share: {opacity:.2f}"}, text(f"{count:,}"))


def _picture(title: str, part: str, cells: Cells, classes: Sequence[str]) -> Html:
    from trainer.tensorboard.draw import results

    drawn = results.confusion_matrix(_counts(cells, len(classes)), classes)
    return figure(encoded(drawn), text(title), f"The confusion matrix of the {part} samples; {title}.")


def _counts(cells: Cells, classes: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    counts = np.zeros((classes, classes), np.int64)
    for true, predicted, count in cells:
        counts[true, predicted] = count
    return counts
