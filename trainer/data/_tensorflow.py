"""Imports TensorFlow without its start-up messages; the first import of this package."""

import contextlib
import sys

from trainer import keras_settings
from trainer.quiet import without_chatter

# TensorFlow imports Keras. A program that uses this package has its own Keras settings; `python -m trainer.data`, whose
# `sys.argv` starts like this during the first imports, needs none and ignores them.
_IS_PROGRAM = sys.argv[:1] == ["-m"]

with without_chatter(), keras_settings.ignored() if _IS_PROGRAM else contextlib.nullcontext():
    import tensorflow  # noqa: F401
