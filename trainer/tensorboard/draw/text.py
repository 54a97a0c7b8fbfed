"""Lines of text as pictures, in any script, and cut to a width."""

import functools
import math
import re

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import fonts

HEIGHT = fonts.SIZE + 4  # pixels of a line

_BASE = fonts.SIZE  # pixels from a line's top down to what letters stand on
_ELLIPSIS = "…"
_WORD = re.compile(f"(?:{fonts.ISOLATE}[^{fonts.END}]*{fonts.END}|\\S)+")

Mask = npt.NDArray[np.uint8]


@functools.lru_cache(2048)
def line(text: str) -> Mask:
    """Returns how much of each pixel a line of text covers, 0 to 255, `(HEIGHT, width)`."""
    parts = fonts.runs(text)
    canvas = Image.new("L", (max(1, width(text)), HEIGHT))
    draw, left = ImageDraw.Draw(canvas), 0.0
    for part, font in parts:
        draw.text((left, _BASE), part, 255, font, anchor="ls")
        left += font.getlength(part)
    return np.asarray(canvas)


@functools.lru_cache(2048)
def width(text: str) -> int:
    """Returns the pixels that a text is wide."""
    return math.ceil(sum(font.getlength(part) for part, font in fonts.runs(text)))


@functools.lru_cache(2048)
def cut(text: str, most: int) -> str:
    """Returns a text that is at most so many pixels wide, an ellipsis at its end where it was wider."""
    if width(text) <= most:
        return text
    fitting = range(len(text), 0, -1)
    return next(
        (short for short in (text[:end].rstrip() + _ELLIPSIS for end in fitting) if width(short) <= most), _ELLIPSIS
    )


@functools.lru_cache(2048)
def wrapped(text: str, most: int) -> list[str]:
    """Returns a text as lines, broken between words, of at most so many pixels; an isolated part stays whole."""
    lines: list[str] = []
    for word in _WORD.findall(text):
        if lines and width(f"{lines[-1]} {word}") <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [text]


def isolated(text: str, most: int) -> str:
    """Returns a text that is cut to so many pixels and keeps its direction among other words."""
    return f"{fonts.ISOLATE}{cut(text, most)}{fonts.END}"
