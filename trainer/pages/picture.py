"""Pictures as part of a page."""

import base64
import io
from collections.abc import Sequence

from PIL import Image

from trainer.pages.html import EMPTY, Html, element, folded, text
from trainer.tensorboard.draw.sheets import Picture

_SCREEN = 900  # pixels
_HEADER = slice(16, 24)  # bytes of a PNG file with its width and height


def figure(content: bytes, caption: Html, description: str) -> Html:
    """Returns a picture under its caption.

    Args:
      content: a PNG file.
      caption: of the figure.
      description: what the picture shows, for those who do not see it.
    """
    width, height = (int.from_bytes(content[_HEADER][part : part + 4], "big") for part in (0, 4))
    image = element(
        "img",
        {
            "src": f"data:image/png;base64,{base64.b64encode(content).decode()}",
            "width": width,
            "height": height,
            "alt": description,
        },
    )
    return element("figure", {"class": "picture"}, element("figcaption", None, caption), image)


def encoded(picture: Picture) -> bytes:
    """Returns a picture, uint8 `(height, width, 3)`, as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def is_tall(content: bytes) -> bool:
    """Returns whether a picture, a PNG file, is higher than a screen."""
    return int.from_bytes(content[_HEADER][4:], "big") > _SCREEN


def gallery(figures: Sequence[Html], shown: int, noun: str) -> Html:
    """Returns figures beside each other; those after the first `shown` ones on request.

    Args:
      figures: as `figure` makes them.
      shown: how many are shown at once.
      noun: the word for the others, in the plural.
    """
    first, others = figures[:shown], figures[shown:]
    parts = [element("div", {"class": "gallery"}, *first)] if first else []
    if others:
        more = element("div", {"class": "gallery"}, *others)
        parts.append(folded(text(f"More {noun}: {len(others):,}"), more))
    return Html("\n".join(parts)) if parts else EMPTY
