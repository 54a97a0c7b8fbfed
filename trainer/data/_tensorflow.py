"""Imports TensorFlow without its start-up messages, and without what it reads of keras.json; first of this package."""

from trainer.keras_settings import ignored
from trainer.quiet import without_chatter

with without_chatter(), ignored():
    import tensorflow  # noqa: F401
