"""Errors in reading samples during training, with the name of the broken sample."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from trainer.data.dataset import Dataset
from trainer.data.kinds.known import kind_of
from trainer.errors import UsageError

_UNREADABLE = (
    tf.errors.InvalidArgumentError,
    tf.errors.CancelledError,  # of concurrent operations; the error of the failed one is sometimes lost
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnknownError,  # errors in Python code
)


@contextlib.contextmanager
def named_breaks(dataset: Dataset) -> Iterator[None]:
    """Names the unreadable sample, if it ended the block.

    TensorFlow's error does not name it, so all samples are checked until one is broken.

    Raises:
      UsageError: a sample is broken; the message names it.
    """
    try:
        yield
    except _UNREADABLE:
        for store in (dataset.train, dataset.validation, dataset.test):
            for broken in store.find_broken():
                raise UsageError(f"{broken}; `--skip_broken=yes` skips such {kind_of(dataset.form).name}s") from None
        raise
