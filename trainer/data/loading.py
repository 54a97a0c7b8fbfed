"""Loads TensorFlow without what it says of itself, whoever is first to want images."""

from trainer.quiet import without_chatter

with without_chatter():
    import tensorflow  # noqa: F401
