"""Images in: named data sets and folders become splits; splits become batches."""

from trainer.data.batches import evaluation_batches, training_batches
from trainer.data.sets import Dataset, Split, load

__all__ = ["Dataset", "Split", "evaluation_batches", "load", "training_batches"]
