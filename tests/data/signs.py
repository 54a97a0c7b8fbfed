"""Small images in colour whose classes differ by left and right, and others that do not."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 32

Images = tuple[np.ndarray, np.ndarray]  # `(count, 32, 32, 3)`, and their classes


def _background(random: np.random.Generator) -> Image.Image:
    soft = np.asarray(Image.fromarray(random.integers(0, 256, (5, 5, 3), np.uint8)).resize((SIDE, SIDE)))
    return Image.fromarray(np.clip(soft * 0.4 + 40 + random.normal(0, 12, soft.shape), 0, 255).astype(np.uint8))


def _drawn(
    classes: int, count: int, seed: int, draw: Callable[[Image.Image, np.random.Generator, int], object]
) -> Images:
    random = np.random.default_rng(seed)
    targets, images = np.arange(classes * count, dtype=np.int32) % classes, []
    for target in targets:
        layer = Image.new("L", (SIDE, SIDE))
        draw(layer, random, int(target))
        layer = layer.rotate(float(random.uniform(-15, 15)), Image.Resampling.BILINEAR)
        image = _background(random)
        across, down = (int(one) for one in random.integers(-4, 5, 2))
        image.paste(tuple(int(one) for one in random.integers(190, 256, 3)), (across, down), layer)
        images.append(np.asarray(image))
    return np.array(images), targets


def arrows(count: int = 50, seed: int = 0) -> Images:
    """Returns arrows to the left and to the right."""

    def draw(layer: Image.Image, random: np.random.Generator, target: int) -> None:
        tip, tail = (7, 24) if target == 0 else (24, 7)
        neck = (tip + tail) // 2
        pen = ImageDraw.Draw(layer)
        pen.line((neck, 16, tail, 16), 255, 3)
        pen.polygon([(tip, 16), (neck, 10), (neck, 22)], 255)

    return _drawn(2, count, seed, draw)


def letters(text: str, count: int = 50, seed: int = 0) -> Images:
    """Returns letters, each a class."""
    font = ImageFont.load_default(22)

    def draw(layer: Image.Image, random: np.random.Generator, target: int) -> None:
        ImageDraw.Draw(layer).text((SIDE / 2, SIDE / 2), text[target], 255, font, anchor="mm")

    return _drawn(len(text), count, seed, draw)


def gauges(count: int = 50, seed: int = 0) -> Images:
    """Returns dials whose pointer is left or right of the middle, at many angles."""

    def draw(layer: Image.Image, random: np.random.Generator, target: int) -> None:
        angle, pen = np.radians(random.uniform(15, 65)), ImageDraw.Draw(layer)
        pen.arc((5, 6, 27, 28), 180, 360, 255, 2)
        pen.line((16, 18, 16 + (1 if target else -1) * 11 * np.cos(angle), 18 - 11 * np.sin(angle)), 255, 2)

    return _drawn(2, count, seed, draw)


def blobs(count: int = 50, seed: int = 0) -> Images:
    """Returns circles, squares and rings."""

    def draw(layer: Image.Image, random: np.random.Generator, target: int) -> None:
        pen, box = ImageDraw.Draw(layer), (9, 9, 23, 23)
        [lambda: pen.ellipse(box, 255), lambda: pen.rectangle(box, 255), lambda: pen.ellipse(box, None, 255, 3)][
            target
        ]()

    return _drawn(3, count, seed, draw)


def faces(count: int = 50, seed: int = 0) -> Images:
    """Returns two animals, each of which looks to either side."""

    def draw(layer: Image.Image, random: np.random.Generator, target: int) -> None:
        pen = ImageDraw.Draw(layer)
        pen.ellipse((6, 14, 22, 24), 255)
        pen.ellipse((19, 8, 27, 16), 255)
        pen.line((8, 16, 2, 6), 255, 3) if target else pen.rectangle((9, 22, 12, 30), 255)
        if random.random() < 0.5:
            layer.paste(layer.transpose(Image.Transpose.FLIP_LEFT_RIGHT))

    return _drawn(2, count, seed, draw)


def noise(count: int = 50, seed: int = 0) -> Images:
    """Returns images and classes that have nothing to do with each other."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (2 * count, SIDE, SIDE, 3), np.uint8), np.arange(2 * count, dtype=np.int32) % 2
