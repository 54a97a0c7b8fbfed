"""Pictures of different sizes, such as those that a run logs for TensorBoard."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from IPython.display import HTML
from PIL import Image

from trainer.tensorboard.draw import sheets as draw
from trainer.tensorboard.draw.sheets import Picture

_GAP = 16  # pixels
_SELECT = "[...this.parentNode.querySelectorAll('figure')].forEach((figure, i) => figure.hidden = i != this.value)"


def sheets(pictures: Mapping[str, Picture] | Sequence[Picture]) -> Image.Image:
    """Returns pictures side by side, unscaled, so that their texts remain sharp.

    Args:
      pictures: by title, or without titles; `(height, width, 3)` each.
    """
    if isinstance(pictures, Mapping):
        return Image.fromarray(beside([draw.titled(picture, title) for title, picture in pictures.items()]))
    return Image.fromarray(beside(pictures))


def beside(pictures: Sequence[Picture]) -> Picture:
    """Returns pictures side by side, with a gap between them."""
    height, parts = max(map(len, pictures)), []
    for index, picture in enumerate(pictures):
        gap = _GAP if index < len(pictures) - 1 else 0
        parts.append(np.pad(picture, ((0, height - len(picture)), (0, gap), (0, 0)), constant_values=255))
    return np.concatenate(parts, axis=1)


def film(frames: Mapping[int, Picture], *, width: str = "30em") -> HTML:
    """Returns one of several pictures, and a slider that selects it.

    Args:
      frames: by step, `(height, width, 3)` each.
      width: of the slider, in CSS.
    """
    figures: list[str] = []
    for step, picture in frames.items():
        source = f"data:image/png;base64,{base64.b64encode(_png(picture)).decode()}"
        hidden = " hidden" if figures else ""
        figures.append(f'<figure{hidden}>step {step}<br><img alt="step {step}" src="{source}"></figure>')
    last, style = len(figures) - 1, f"width: {width}"
    slider = f'<input type="range" min="0" max="{last}" value="0" style="{style}" oninput="{_SELECT}">'
    return HTML(f"<div>{slider}{''.join(figures)}</div>")


def _png(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
