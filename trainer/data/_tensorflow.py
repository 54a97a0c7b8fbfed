"""Imports TensorFlow without its start-up messages; the first import of this package."""

from trainer.quiet import without_chatter

with without_chatter():
    import tensorflow  # noqa: F401
