"""Pictures of different sizes, such as those that a run logs for TensorBoard."""

import base64
import io
from collections.abc import Mapping

import matplotlib.pyplot as plt
from IPython.display import HTML
from PIL import Image

from trainer.tensorboard.draw.sheets import Picture

_TITLE = 0.3  # inches
_SELECT = "[...this.parentNode.querySelectorAll('figure')].forEach((figure, i) => figure.hidden = i != this.value)"


def sheets(pictures: Mapping[str, Picture], *, width: float = 10.0) -> None:
    """Draws pictures side by side at one scale, so that their texts are equally large.

    Args:
      pictures: by title, `(height, width, 3)` each.
      width: inches of all.
    """
    ratios = [picture.shape[1] for picture in pictures.values()]
    height = width * max(map(len, pictures.values())) / sum(ratios)
    _, axes = plt.subplots(1, len(pictures), figsize=(width, height + _TITLE), width_ratios=ratios, squeeze=False)
    for axis, (title, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(picture)
        axis.set(title=title, anchor="N")
        axis.axis("off")


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
