"""Figures for notebooks: pictures, matrices, curves, attributions, slices. Needs the extra `notebooks`.

The functions draw with Matplotlib. A notebook shows their figures at the end of the cell.
"""

import importlib.util

from trainer import interpreter

if not importlib.util.find_spec("matplotlib"):
    raise ModuleNotFoundError(f"trainer.plots needs the package matplotlib: {interpreter.install('notebooks')}")

from trainer.plots.attributions import attributions
from trainer.plots.curves import curves
from trainer.plots.matrices import connections, images, matrix
from trainer.plots.networks import concepts, exciting, feature_maps, kernels, visualised
from trainer.plots.sheets import film, sheets
from trainer.plots.slices import slices
from trainer.plots.style import DIVERGING, MARK, SEQUENTIAL, style

__all__ = [
    "DIVERGING",
    "MARK",
    "SEQUENTIAL",
    "attributions",
    "concepts",
    "connections",
    "curves",
    "exciting",
    "feature_maps",
    "film",
    "images",
    "kernels",
    "matrix",
    "sheets",
    "slices",
    "style",
    "visualised",
]
