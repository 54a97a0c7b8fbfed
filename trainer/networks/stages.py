"""The training stages of a pretrained network."""

from collections.abc import Iterator, Sequence

import keras

from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.networks import blocks
from trainer.networks.blocks import Named
from trainer.networks.network import Stage


def of(hparams: HParams, model: keras.Model) -> tuple[Stage, ...]:
    """Returns the stages of a pretrained network: first its head alone, then the layers that `--unfreeze` names.

    The head is the last layer with weights. BatchNormalization before it keeps its statistics.

    Args:
      hparams: `unfreeze`, `freeze_epochs`, `fine_tune_rate` and `epochs`.
      model: a Sequential or functional model, built.

    Raises:
      UsageError: `--unfreeze` names more blocks than there are.
    """
    named = list(blocks.layers(model))
    last = max(index for index, (_, layer) in enumerate(named) if layer.weights)
    head, backbone = [named[last][0]], named[:last]
    if hparams.unfreeze == "none":
        return (Stage(hparams.epochs, 1.0, head),)
    tuned = Stage(
        hparams.epochs - hparams.freeze_epochs,
        hparams.fine_tune_rate,
        [*_learning(_unfrozen(hparams.unfreeze, backbone)), *head],
    )
    return (Stage(hparams.freeze_epochs, 1.0, head), tuned) if hparams.freeze_epochs else (tuned,)


def _unfrozen(unfreeze: str, backbone: Sequence[Named]) -> Sequence[Named]:
    if unfreeze == "all":
        return backbone
    there, count = blocks.split(backbone), int(unfreeze)
    if count > len(there):
        raise UsageError(f"`--unfreeze` must be at most {len(there)}, the blocks of this network. Received: {unfreeze}")
    return [layer for block in there[-count:] for layer in block]


def _learning(named: Sequence[Named]) -> Iterator[str]:
    """Yields the names of layers that have trainable weights."""
    for name, layer in named:
        if layer.trainable_weights and not isinstance(layer, keras.layers.BatchNormalization):
            yield name
