"""Accuracy over time: the table of performance.md as a picture."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt

PAGE = Path(__file__).parents[1] / "performance.md"

_INK, _SOFT, _OURS, _PEER = "#222222", "#777777", "#0b5cad", "#b34700"
_ROW = re.compile(
    r"\| (?P<name>[^|]+) \| (?P<mean>[\d.]+) %( \((?P<low>[\d.]+) to (?P<high>[\d.]+)\))? \| (?P<time>[\d.]+) s"
)


@dataclasses.dataclass(frozen=True)
class Measured:
    """A row of the table.

    Attributes:
      name: what was run.
      accuracy: the mean over the seeds, in percent.
      lowest: of the seeds; the mean if the table has no range.
      highest: likewise.
      seconds: the median time of the whole command.
    """

    name: str
    accuracy: float
    lowest: float
    highest: float
    seconds: float


def measured(page: str) -> list[Measured]:
    """Returns the rows of the table below the heading `Accuracy` of performance.md.

    Raises:
      ValueError: there is none.
    """
    section = page.partition("\n## Accuracy\n")[2].partition("\n## ")[0]
    rows = [
        Measured(
            row["name"].replace("`", ""),
            float(row["mean"]),
            float(row["low"] or row["mean"]),
            float(row["high"] or row["mean"]),
            float(row["time"]),
        )
        for row in _ROW.finditer(section)
    ]
    if not rows:
        raise ValueError("performance.md must have a table of accuracies and seconds below `Accuracy`. Received: none")
    return rows


def draw(rows: Sequence[Measured], file: Path) -> None:
    """Draws each row as a point, with a bar from the lowest to the highest seed where they are known.

    Args:
      rows: as `measured` returns them.
      file: takes the picture, SVG. Equal rows make equal files.
    """
    style = {"svg.fonttype": "none", "svg.hashsalt": "trainer", "font.family": "sans-serif", "font.size": 10}
    with plt.rc_context({**style, "text.color": _INK}):
        figure, axis = plt.subplots(figsize=(8, 3.6), facecolor="white", layout="constrained")
        for row in rows:
            is_ours = "trainer" in row.name
            colour = _OURS if is_ours else _PEER
            bar = [[row.accuracy - row.lowest], [row.highest - row.accuracy]]
            axis.errorbar(row.seconds, row.accuracy, yerr=bar, fmt="o", color=colour, capsize=4)
            label = f"{row.name}\n{row.accuracy:.2f} % in {row.seconds:.1f} s"
            # Ours to the left, where a slow point has its room, and peers to the right, away from our bars.
            offset, side = (-10, "right") if is_ours else (10, "left")
            point = row.seconds, row.accuracy
            axis.annotate(label, point, (offset, 0), textcoords="offset points", ha=side, va="center")
        axis.set_xlim(0, 1.08 * max(row.seconds for row in rows))
        axis.margins(y=0.25)
        axis.set_xlabel("seconds of the whole command, median", color=_SOFT)
        axis.set_ylabel("test accuracy, %", color=_SOFT)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#e6e6e6")
        axis.set_axisbelow(True)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
