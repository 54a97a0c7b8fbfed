"""An evaluation for a terminal: a line, and tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from trainer import interval
from trainer.errors import one_line
from trainer.evaluate.classes import Evaluation, Summary

_MOST_CLASSES = 30  # rows; of more classes, those with the lowest F1
_MOST_GROUPS = 30
_MISTAKES = 5
_NONE = "–"
# Characters of a name, at most, so that tables have 80 columns and numbers are whole.
_CLASS, _GROUP, _MISTAKEN = 30, 16, 16


def line(found: Evaluation, samples: str) -> str:
    """Returns the whole result in one line.

    Args:
      found: the result.
      samples: what a sample is, in the plural.
    """
    whole = found.summary
    return (
        f"accuracy {interval.percent(whole.accuracy, whole.samples, samples)}, macro F1 {whole.f1:.3f}, "
        f"mean average precision {found.mean_average_precision:.3f}, calibration error {whole.calibration_error:.3f}"
    )


def tables(found: Evaluation, mistakes: Sequence[dict[str, Any]], samples: str, column: str) -> Iterator[Table]:
    """Yields the scores of the classes and of the groups, and the worst mistakes.

    Args:
      found: the result.
      mistakes: as `results.mistakes` yields them.
      samples: what a sample is, in the plural.
      column: of the groups; empty without.
    """
    yield _classes(found, samples)
    if column:
        yield _groups(found, samples, column)
    if mistakes:
        made = _table("worst mistakes", ["true", "predicted", "probability"], samples.removesuffix("s"))
        for one in mistakes[:_MISTAKES]:
            made.add_row(
                _plain(one["sample"]),
                _plain(one["true"], _MISTAKEN),
                _plain(one["predicted"], _MISTAKEN),
                f"{one['probability']:.4f}",
            )
        yield made


def _classes(found: Evaluation, samples: str) -> Table:
    rows = [*zip(found.scores, found.average_precisions, strict=True)]
    title = "classes"
    if len(rows) > _MOST_CLASSES:
        rows = sorted(rows, key=lambda row: 2.0 if row[0].f1 is None else row[0].f1)[:_MOST_CLASSES]
        title = f"{_MOST_CLASSES} of {len(found.scores):,} classes, those with the lowest F1"
    made = _table(title, ["precision", "recall", "F1", "avg. prec.", samples], "class")
    for score, precision in rows:
        shares = map(_share, (score.precision, score.recall, score.f1, precision))
        made.add_row(_plain(score.name, _CLASS), *shares, f"{score.support:,}")
    return made


def _groups(found: Evaluation, samples: str, column: str) -> Table:
    rows, title = [*found.groups.items()], f"by {one_line(column)}"
    if len(rows) > _MOST_GROUPS:
        rows = sorted(rows, key=lambda row: row[1].accuracy)[:_MOST_GROUPS]
        title = f"{title}: {_MOST_GROUPS} of {len(found.groups):,}, those with the lowest accuracy"
    made = _table(title, ["accuracy", "95% interval", "F1", "calibration error", samples], _plain(column, _GROUP).plain)
    for group, one in rows:
        made.add_row(_plain(group or "(none)", _GROUP), *_group(one))
    return made


def _group(one: Summary) -> list[str]:
    low, high = interval.wilson(one.accuracy, one.samples)
    shares = [f"{one.accuracy:.2%}", f"{100 * low:.2f} to {high:.2%}", f"{one.f1:.3f}", f"{one.calibration_error:.3f}"]
    return [*shares, f"{one.samples:,}"]


def _table(title: str, columns: Sequence[str], first: str) -> Table:
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, expand=False)
    made.add_column(first, overflow="fold")
    for column in columns:
        is_text = column in ("true", "predicted")
        made.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    return made


def _plain(text: str, most: int | None = None) -> Text:
    """Returns a text on one line without markup, cut where it is longer."""
    plain = Text(one_line(text))
    if most:
        plain.truncate(most, overflow="ellipsis")
    return plain


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"
