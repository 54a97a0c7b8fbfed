"""Loads data sets from names, folders, manifests and shards into stores, and stores into batches."""

from trainer.data import _tensorflow  # noqa: F401  must be the first import
from trainer.data.batches import (
    changes,
    choose_preset,
    evaluation_batches,
    training_batches,
    variant_batches,
    variants,
)
from trainer.data.breakage import named_breaks
from trainer.data.caveats import caveats_of
from trainer.data.dataset import Dataset
from trainer.data.fingerprint import Fingerprint
from trainer.data.form import Form
from trainer.data.kinds.kind import Preset
from trainer.data.kinds.known import kind_of
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.entries import PARTS
from trainer.data.lists.folds import Fold
from trainer.data.lists.manifest import Managed
from trainer.data.lists.targets.target import array_strata, counts_of
from trainer.data.loading import load, load_configured, reader
from trainer.data.on_device import Evaluation, Training
from trainer.data.order import Share, evaluation_steps
from trainer.data.stores.files import Files
from trainer.data.stores.memory import Memory
from trainer.data.stores.store import Store

__all__ = [
    "PARTS",
    "Dataset",
    "Evaluation",
    "Files",
    "Fingerprint",
    "Fold",
    "Form",
    "Managed",
    "Memory",
    "Preset",
    "SampleOptions",
    "Share",
    "Store",
    "Training",
    "array_strata",
    "caveats_of",
    "changes",
    "choose_preset",
    "counts_of",
    "evaluation_batches",
    "evaluation_steps",
    "kind_of",
    "load",
    "load_configured",
    "named_breaks",
    "reader",
    "training_batches",
    "variant_batches",
    "variants",
]
