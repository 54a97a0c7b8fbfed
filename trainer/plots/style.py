"""The style of the figures: sizes, lines and colors."""

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.colors import LinearSegmentedColormap
from matplotlib_inline.backend_inline import set_matplotlib_formats

from trainer.tensorboard.draw import sheets

MARK = "#e69f00"  # Okabe and Ito's orange: color-blind readers can distinguish it from gray, blue and red
DIVERGING = LinearSegmentedColormap.from_list("diverging", (np.array(sheets.DIVERGING) / 255).tolist())
SEQUENTIAL = LinearSegmentedColormap.from_list("sequential", (np.array(sheets.SEQUENTIAL) / 255).tolist())

_STYLE = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "0.92",
    "legend.frameon": False,
}


def style() -> None:
    """Applies the style to all figures of this process; in a notebook they have twice as many pixels."""
    plt.style.use(_STYLE)
    if get_ipython():
        set_matplotlib_formats("retina")
