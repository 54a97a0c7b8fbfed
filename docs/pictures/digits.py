"""Real digits as files."""

from pathlib import Path

from PIL import Image

from trainer import data


def write(folder: str, count: int) -> None:
    """Writes test images of scikit-learn's digits as PNG files, named by what they show."""
    Path(folder).mkdir(parents=True)
    test = data.load("digits", validation_split=0.1, seed=0).test
    for index in range(count):
        image = Image.fromarray(test.samples[index, :, :, 0].astype("uint8"))
        image.save(Path(folder) / f"{int(test.targets[index])}.{index}.png")
