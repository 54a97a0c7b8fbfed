"""Image files, of which some bits are flipped or the end is missing."""

from pathlib import Path
from random import Random

from tests.fuzz import making
from tests.fuzz.case import Run
from trainer import data  # noqa: F401  TensorFlow as this package sets it
from trainer.data.kinds.image.decode import decode
from trainer.data.kinds.image.header import Header


def header(random: Random, folder: Path) -> Run:
    """The first bytes of a file."""
    content = random.randbytes(random.randrange(100)) if random.random() < 0.1 else making.image(random)

    def run() -> None:
        try:
            found = Header.read(content)
        except ValueError as error:
            if type(error) is not ValueError or not str(error) or "\n" in str(error):
                raise
        else:
            assert found.height * found.width

    return run


def decoded(random: Random, folder: Path) -> Run:
    """A whole file, whose header can be read."""
    import tensorflow as tf

    content, channels, size = making.image(random), random.choice((1, 3)), random.choice((1, 8, 48))

    def run() -> None:
        try:
            Header.read(content)
        except ValueError:
            return
        try:
            image = decode(tf.constant(content), (size, size), channels)
        except tf.errors.InvalidArgumentError:
            return
        assert image.shape == (size, size, channels)

    return run
