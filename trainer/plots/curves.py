"""The curves of one or more runs, from their logs."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from trainer.tensorboard.history import History


def curves(logs: Mapping[str, History], tags: Sequence[str], *, axes: Sequence[Axes] = (), width: float = 11.0) -> None:
    """Draws the scalars of logs over the steps: a panel for each tag, and in it a line for each log that has it.

    Args:
      logs: by label.
      tags: the scalars, such as "loss".
      axes: one for each tag; by default new ones.
      width: inches of all new axes.
    """
    if not len(axes):
        _, new = plt.subplots(1, len(tags), figsize=(width, min(3.0, width / len(tags))), squeeze=False)
        axes = list(new[0])
    for axis, tag in zip(axes, tags, strict=True):
        for index, (label, log) in enumerate(logs.items()):
            if tag in log.scalars:
                points = log.scalars[tag]
                axis.plot(points.steps, points.values, "o-", color=f"C{index}", markersize=3, label=label)
        axis.set(title=tag, xlabel="step")
        axis.grid(True)
    axes[0].legend()
