"""An image that breaks while it is trained on gets its name."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from trainer.data import inspection
from trainer.data.sets import Dataset
from trainer.data.sources import Sources
from trainer.errors import UsageError


@contextlib.contextmanager
def named_breaks(dataset: Dataset) -> Iterator[None]:
    """Says which image could not be read, where that is what ended what is within.

    TensorFlow's error does not know. So all images are looked at, until one is broken.

    Raises:
      UsageError: an image is broken; the message names it.
    """
    try:
        yield
    except _UNREADABLE:
        for split in (dataset.train, dataset.validation, dataset.test):
            if isinstance(split, Sources):
                for broken in inspection.find_broken(split):
                    raise UsageError(f"{broken}; `--skip_broken=yes` leaves such images out") from None
        raise


_UNREADABLE = (
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnknownError,  # what Python could not read
)
