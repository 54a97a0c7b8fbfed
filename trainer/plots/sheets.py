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
    drawn = (
        [*pictures] if isinstance(pictures, Sequence) else [draw.titled(one, name) for name, one in pictures.items()]
    )
    height = max(map(len, drawn))
    padding = [
        ((0, height - len(one)), (0, _GAP * (index < len(drawn) - 1)), (0, 0)) for index, one in enumerate(drawn)
    ]
    padded = [np.pad(one, pads, constant_values=255) for one, pads in zip(drawn, padding, strict=True)]
    return Image.fromarray(np.concatenate(padded, axis=1))


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
