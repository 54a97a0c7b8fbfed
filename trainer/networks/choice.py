"""The family of networks that `--model=auto` selects."""

import dataclasses

from trainer import recipes
from trainer.data.form import Form
from trainer.hparams import AUTO, CONVOLUTIONAL, RESIDUAL, HParams, family, only_of

_IMAGE = 2  # the rank


def choose(hparams: HParams, form: Form) -> tuple[str, str]:
    """Returns the family of networks that a run trains, and the reason.

    Args:
      hparams: the hyperparameters; `model` selects the family.
      form: the form of the samples.
    """
    if hparams.model != AUTO:
        return family(hparams.model), f"selected by `--model={hparams.model}`"
    for field in dataclasses.fields(HParams):
        if only_of(field, CONVOLUTIONAL) and getattr(hparams, field.name) != field.default:
            return CONVOLUTIONAL, f"selected by `--{field.name}`"
    if form.rank != _IMAGE:
        return RESIDUAL, f"samples have {form.rank} spatial {'axis' if form.rank == 1 else 'axes'}"
    if max(form.sizes) <= recipes.SMALL_SIDE:
        return CONVOLUTIONAL, f"no side has more than {recipes.SMALL_SIDE} positions"
    return RESIDUAL, f"a side has more than {recipes.SMALL_SIDE} positions"
