"""The data that a reader of the documents has: a folder of photos, and what Keras downloads."""

import gzip
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.conftest import write_idx

_PHOTOS = 20  # of each class: all three parts have some of each
_SIDES = (40, 97)  # pixels: what is brought to one size must not be of one before


def write_photos(folder: Path) -> None:
    """Writes `cat/01.jpg`, `cat/02.png` … and `dog/…`: round and square things of many sizes, in colour."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(1, _PHOTOS + 1):
            width, height = (int(side) for side in random.integers(*_SIDES, 2))
            picture = Image.fromarray(random.integers(90, 160, (height, width, 3), np.uint8))
            pen, place = ImageDraw.Draw(picture), (width // 4, height // 4, 3 * width // 4, 3 * height // 4)
            color = tuple(int(part) for part in random.integers(0, 256, 3))
            (pen.ellipse if name == "cat" else pen.rectangle)(place, fill=color)
            picture.save(folder / name / f"{number:02}.{'jpg' if number % 2 else 'png'}")


def write_downloads(folder: Path) -> None:
    """Writes `mnist` and `fashion_mnist` as they lie below `KERAS_HOME`, made of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    large = (small.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8).repeat(3, 1).repeat(3, 2)
    images = np.pad(large, ((0, 0), (2, 2), (2, 2)))
    labels = labels.astype(np.uint8)
    cut = 1500
    (folder / "datasets" / "fashion-mnist").mkdir(parents=True)
    np.savez(
        folder / "datasets" / "mnist.npz",
        x_train=images[:cut], y_train=labels[:cut], x_test=images[cut:], y_test=labels[cut:],
    )  # fmt: skip
    for part, chosen in (("train", slice(cut)), ("t10k", slice(cut, None))):
        for kind, array in (("images-idx3", images[chosen]), ("labels-idx1", labels[chosen])):
            plain = folder / "plain"
            write_idx(plain, array)
            packed = io.BytesIO()
            with gzip.GzipFile(fileobj=packed, mode="wb") as file:
                file.write(plain.read_bytes())
            plain.unlink()
            (folder / "datasets" / "fashion-mnist" / f"{part}-{kind}-ubyte.gz").write_bytes(packed.getvalue())
