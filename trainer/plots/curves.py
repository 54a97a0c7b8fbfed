"""The curves of one or more runs, from their logs."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from trainer.tensorboard.history import History


def curves(logs: Mapping[str, History], tags: Sequence[str], *, axes: Sequence[Axes] = (), width: float = 11.0) -> None:
    """Draws the scalars of logs over the steps: a panel for each tag, and in it a line for each log that has it.

    Args:
      logs: by label.
      tags: the scalars, such as "loss".
      axes: one for each tag; by default new ones.
      width: inches of all new axes.
    """
    if len(axes):
        figure, panels = axes[0].figure, list(axes)
    else:
        figure, new = plt.subplots(1, len(tags), figsize=(width, min(3.4, width / len(tags) + 0.5)), squeeze=False)
        panels = list(new[0])
    for axis, tag in zip(panels, tags, strict=True):
        for index, (label, log) in enumerate(logs.items()):
            if tag in log.scalars:
                points = log.scalars[tag]
                axis.plot(points.steps, points.values, "o-", color=f"C{index}", markersize=3, label=label)
        axis.set(title=tag, xlabel="step")
        axis.grid(True)
    if len(axes):
        panels[0].legend()
    else:
        handles = [Line2D([], [], color=f"C{index}", marker="o", markersize=3) for index in range(len(logs))]
        figure.legend(handles, list(logs), loc="outside lower center", ncols=len(logs))
