"""Imports TensorFlow without its start-up messages; the first import of this package."""

import contextlib
import sys

from trainer import keras_settings
from trainer.quiet import without_chatter

# TensorFlow imports Keras. A program that uses this package has Keras as it wants; `python -m trainer.data`, during
# whose first imports Python's argv begins so, needs nothing of it and runs whatever its settings are.
_IS_PROGRAM = sys.argv[:1] == ["-m"]

with without_chatter(), keras_settings.ignored() if _IS_PROGRAM else contextlib.nullcontext():
    import tensorflow  # noqa: F401
