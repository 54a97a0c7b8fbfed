"""Images in: named data sets, folders, manifests and shards become splits; splits become batches."""

from trainer.data import loading  # noqa: F401  the first of all
from trainer.data.batches import Share, evaluation_batches, evaluation_steps, training_batches
from trainer.data.breakage import named_breaks
from trainer.data.lists.manifest import Managed
from trainer.data.pictures import Form
from trainer.data.samples import changes, samples
from trainer.data.sets import Dataset, Split, load
from trainer.data.sources import Sources

__all__ = [
    "Dataset",
    "Form",
    "Managed",
    "Share",
    "Sources",
    "Split",
    "changes",
    "evaluation_batches",
    "evaluation_steps",
    "load",
    "named_breaks",
    "samples",
    "training_batches",
]
