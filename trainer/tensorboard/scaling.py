"""The scale of drawn samples."""

from trainer.insight.observer import Examples
from trainer.tensorboard.draw.scale import Scale


def scale_of(examples: Examples) -> Scale:
    """Returns the scale of samples, from their form."""
    form = examples.form
    return Scale(examples.noun, form.low, form.high, form.spread, form.spacing, form.unit)
