"""Images in: named data sets and folders become splits; splits become batches."""

from trainer.data.batches import Share, evaluation_batches, evaluation_steps, training_batches
from trainer.data.sets import Dataset, Split, load

__all__ = ["Dataset", "Share", "Split", "evaluation_batches", "evaluation_steps", "load", "training_batches"]
