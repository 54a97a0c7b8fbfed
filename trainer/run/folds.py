"""What one fold of a cross-validation adds to a run: its predictions for the samples that it holds out."""

import keras
import tensorflow as tf

from trainer import data
from trainer.data import held_out
from trainer.data.held_out import HeldOut
from trainer.objectives.outputs import Outputs
from trainer.run.plan import Plan


def is_fold(plan: Plan) -> bool:
    """Returns whether the run is a fold, whose result are its predictions; its model may be deleted."""
    return bool(plan.dataset.held_out)


def has_predictions(plan: Plan) -> bool:
    """Returns whether the predictions of a fold are written, or the run has no fold to predict."""
    return not plan.dataset.held_out or (plan.environment.root / held_out.NAME).exists()


def write_predictions(model: keras.Model, plan: Plan, meaning: Outputs) -> None:
    """Writes the predictions for the samples that a fold holds out; nothing if the run is no fold.

    Args:
      model: trained; it maps raw values to outputs.
      plan: the run.
      meaning: of the outputs.

    Raises:
      OSError: they cannot be written.
    """
    dataset = plan.dataset
    if not dataset.held_out:
        return
    forward = tf.function(lambda samples: meaning.link(model(samples, training=False)), reduce_retracing=True)
    batches = [forward(samples) for samples, _ in data.evaluation_batches(dataset.test)]
    HeldOut(
        dataset.held_out,
        dataset.test.targets,
        tf.concat(batches, 0).numpy(),
        dataset.class_names,
        data.kind_of(dataset.form).name,
        dataset.target,
    ).write(plan.environment.root / held_out.NAME)
