"""The labels of each sample's nearest neighbours: by features of the network that held it out, and by values."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer import data
from trainer.data.held_out import FOLDER
from trainer.data.suspects.ranking import neighbour_votes
from trainer.errors import UsageError
from trainer.insight.graph import walk
from trainer.insight.unfolded import Unfolded
from trainer.networks import saved
from trainer.suspects.pool import Indices, Pool

_MODEL = Path("model", "model.keras")  # in the folder of a fold
_MOST = 5000  # samples that neighbours are looked for among: all folds' networks see these
_BY_VALUES = 10  # neighbours: fewer than by features are of use

Array = npt.NDArray[np.float32]


def by_values(vectors: Array, checked: Indices, pool: Pool) -> Array:
    """Returns the shares of classes or labels among the neighbours of samples by values, `(checked, outputs)`.

    Args:
      vectors: all samples in coarse form, `(samples, values)`.
      checked: the indices of the samples.
      pool: all samples.
    """
    some = _some(checked)
    return neighbour_votes(
        vectors[checked],
        vectors[some],
        pool.rows[some],
        itself=_places(checked, some),
        count=_BY_VALUES,
    )


def by_features(root: Path, folds: Sequence[Indices], pool: Pool, log: Callable[[str], object]) -> Array | None:
    """Returns the shares of classes or labels among each sample's neighbours by features, `(samples, outputs)`.

    None if the model of a fold is missing or cannot be read; a line says so.

    Args:
      root: the folder of the folds' run.
      folds: the indices of the samples that each fold held out, in the pool.
      pool: all samples.
      log: receives a line.
    """
    some = _some(np.concatenate(folds))
    found = np.zeros_like(pool.rows)
    for number, own in enumerate(folds, 1):
        path = root / FOLDER / str(number) / _MODEL
        if not path.is_file():
            log(f"neighbours are not looked at: {path} is missing")
            return None
        try:
            looked_at = np.union1d(own, some)
            features = _features(saved.read(str(path), "", "job_dir"), pool, looked_at)
        except (UsageError, ValueError) as error:
            log(f"neighbours are not looked at: {error}")
            return None
        ours, theirs = (features[np.searchsorted(looked_at, one)] for one in (own, some))
        found[own] = neighbour_votes(ours, theirs, pool.rows[some], itself=_places(own, some))
        keras.backend.clear_session()
    return found


def _some(checked: Indices) -> Indices:
    """Returns the indices of the samples that neighbours are looked for among."""
    return np.sort(np.random.default_rng(0).permutation(np.sort(checked))[:_MOST])


def _places(indices: Indices, some: Indices) -> Indices:
    """Returns where samples are among some of them; -1 for those that are not."""
    places = np.searchsorted(some, indices).clip(max=len(some) - 1)
    return np.where(some[places] == indices, places, -1)


def _features(model: keras.Model, pool: Pool, indices: Indices) -> Array:
    """Returns the last hidden values of a network for some samples, means over positions, `(samples, values)`."""
    graph = walk(model)
    hidden = graph.outputs[0] if graph.hidden in graph.inputs else graph.hidden
    unfolded = Unfolded(model, graph, (hidden,))

    def values(samples: tf.Tensor) -> tf.Tensor:
        (found,) = unfolded(samples, training=False)
        found = tf.cast(found, tf.float32)
        return tf.reduce_mean(found, range(1, len(found.shape) - 1)) if len(found.shape) > 2 else found

    run = tf.function(values, autograph=False, reduce_retracing=True)
    stores = pool.chosen(indices)
    return np.concatenate([run(samples).numpy() for store in stores for samples, _ in data.evaluation_batches(store)])
