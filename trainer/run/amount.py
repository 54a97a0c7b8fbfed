"""How long a run trains, and on how many samples at once, where the flags leave that to the data."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from trainer import data
from trainer.hparams import BATCH_SIZE, EPOCHS, UNTIL_BEST, HParams
from trainer.run.length import Until

_IMAGES = 2  # the rank whose defaults are the same for any number of samples
_FEW = 16  # samples per step of a small data set: on 50 signals, 64 at once leave too few steps that differ
_MANY = 1000  # training samples, from which on a step takes as many as of images
_STEPS = 600  # full batches of a whole run, at least, on signals and volumes
_MOST_EPOCHS = 500


def fitted(hparams: HParams, former: Mapping[str, Any], dataset: data.Dataset, replicas: int) -> HParams:
    """Returns hyperparameters with `batch_size`, `epochs` and `patience`, where these are 0: as the run began, or else
    what fits.

    Args:
      hparams: what to train.
      former: the record of the run; empty where it has not begun.
      dataset: what the network learns from.
      replicas: devices that share each batch.
    """
    recorded, samples = former.get("configuration", {}), len(dataset.train)
    is_image = dataset.form.rank == _IMAGES
    size = hparams.batch_size or recorded.get("batch_size", 0) or _batch_size(samples, is_image, replicas)
    epochs = hparams.epochs or recorded.get("epochs", 0) or _epochs(samples / size, is_image)
    if epochs in ("auto", UNTIL_BEST):
        patience = hparams.patience or recorded.get("patience", 0)
        open_ended = dataclasses.replace(hparams, batch_size=int(size), epochs=UNTIL_BEST, patience=int(patience))
        return dataclasses.replace(open_ended, patience=Until.of(open_ended, samples).patience)
    return dataclasses.replace(hparams, batch_size=int(size), epochs=int(epochs))


def _batch_size(samples: int, is_image: bool, replicas: int) -> int:
    most = BATCH_SIZE if is_image or samples >= _MANY else _FEW
    return max(replicas, min(most, samples) // replicas * replicas)


def _epochs(batches: float, is_image: bool) -> int:
    return EPOCHS if is_image else min(_MOST_EPOCHS, max(EPOCHS, math.ceil(_STEPS / batches)))
