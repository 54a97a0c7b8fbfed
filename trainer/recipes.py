"""Recipes: the settings of a run that its flags leave open, by the kind of data and network.

`TABLE` is the one place of these choices. `python -m benchmarks.recipes` measures each part of a recipe alone;
benchmarks/NOTES.md has the results, also of what did not pay and is in no recipe.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

Value = int | float | str

AUTO, PLAIN = "auto", "plain"
SMALL_SIDE = 32  # positions of the longest side, as in MNIST's family and CIFAR: few convolutions are enough
_FEW = 1000  # training samples


@dataclasses.dataclass(frozen=True)
class Amount:
    """How long a run trains and on how many samples at once, by the number of training samples.

    Attributes:
      batch_size: samples per step.
      small_batch_size: the same if there are fewer than 1,000 training samples.
      epochs: the least number of epochs.
      steps: the number of steps of the whole run up to which there are more epochs.
      most_epochs: the most epochs for the sake of `steps`.
    """

    batch_size: int = 64
    small_batch_size: int = 64
    epochs: int = 14
    steps: int = 0
    most_epochs: int = 500

    def batch_of(self, samples: int, replicas: int) -> int:
        """Returns the batch size for a number of training samples, a multiple of the devices that share a batch."""
        most = self.small_batch_size if samples < _FEW else self.batch_size
        return max(replicas, min(most, samples) // replicas * replicas)

    def epochs_of(self, batches: float) -> int:
        """Returns the number of epochs for a number of full batches in each, such as 2.5."""
        return max(self.epochs, min(self.most_epochs, math.ceil(self.steps / batches)))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The settings for one kind of data and network.

    Attributes:
      name: the value of `--recipe`.
      purpose: what it is for, in words that follow "for".
      amount: how long a run trains and on how many samples at once.
      values: flags with their values, where these are not the flags' defaults.
      ranks: the numbers of spatial axes of the samples; empty if `--recipe=auto` never selects it.
      channels: the numbers of channels; empty if it does not matter.
      most_side: the most positions of the longest side.
      most_samples: the most training samples.
      is_pretrained: whether the network starts from pretrained weights.
    """

    name: str
    purpose: str
    amount: Amount = Amount()
    values: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    ranks: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    most_side: float = math.inf
    most_samples: float = math.inf
    is_pretrained: bool = False

    def fits(self, sizes: Sequence[int], channels: int, samples: int, *, is_pretrained: bool) -> bool:
        """Returns whether it is for samples and a network of this kind."""
        return (
            len(sizes) in self.ranks
            and (not self.channels or channels in self.channels)
            and max(sizes) <= self.most_side
            and samples <= self.most_samples
            and self.is_pretrained == is_pretrained
        )


# The first that fits is selected.
TABLE = (
    Recipe(
        "pretrained",
        "a pretrained network",
        # On two folds of 155 photographs at 160 pixels, 60 epochs of 16 samples a step reach 79 %, 14 of 64 samples
        # 56 %, in the same time: what is frozen runs once.
        Amount(small_batch_size=16, steps=600),
        ranks=(1, 2, 3),
        is_pretrained=True,
    ),
    Recipe(
        "few_grey",
        "fewer than 3,000 grey images of up to 32 x 32 pixels",
        # On five folds of 1,437 digits, 2 seeds: 14 epochs with a dropout of 0.3 98.8 %, 26 with 0.2 99.5 %; 14 with
        # 0.3 and batches of 32 99.2 %.
        Amount(epochs=26),
        {"dropout": 0.2},
        ranks=(2,),
        channels=(1,),
        most_side=SMALL_SIDE,
        most_samples=2999,
    ),
    Recipe(
        "small_grey",
        "grey images of up to 32 x 32 pixels",
        # On five folds of 7,000 digits: 14 epochs with a dropout of 0.3 99.16 %, 26 with 0.2 99.27 %, 30 with 0.3
        # 99.29 %. 2,000 steps, 21 epochs of 6,300 digits, take 1.5 times the time of a plain Keras script.
        Amount(steps=2000, most_epochs=26),
        {"dropout": 0.2},
        ranks=(2,),
        channels=(1,),
        most_side=SMALL_SIDE,
    ),
    Recipe(
        "small_color",
        "colour images of up to 32 x 32 pixels",
        ranks=(2,),
        most_side=SMALL_SIDE,
    ),
    Recipe(
        "photos",
        "images of more than 32 pixels",
        # On two folds of 155 photographs, 96 pixels, 75 epochs of 16 samples a step: 54 %.
        Amount(small_batch_size=16, steps=600),
        ranks=(2,),
    ),
    Recipe(
        "signals",
        "signals",
        # On 50 signals, 64 at once leave too few steps that differ. On five folds of 67 signals, 450 and 600 steps
        # reach the same 97.0 %.
        Amount(small_batch_size=16, steps=450),
        ranks=(1,),
    ),
    Recipe(
        "volumes",
        "volumes",
        Amount(small_batch_size=16, steps=600),
        ranks=(3,),
    ),
    Recipe(
        PLAIN,
        "comparison: the settings of a plain Keras script",
        values={"augment": "none", "schedule": "constant", "learning_rate": 1e-3},
    ),
)
NAMES = tuple(recipe.name for recipe in TABLE)


def choose(asked: str, sizes: Sequence[int], channels: int, samples: int, *, is_pretrained: bool) -> Recipe:
    """Returns a recipe.

    Args:
      asked: its name, or auto for the first that fits.
      sizes: of the spatial axes of a sample; one to three.
      channels: of a sample.
      samples: the number of training samples.
      is_pretrained: whether the network starts from pretrained weights.
    """
    if asked != AUTO:
        return next(recipe for recipe in TABLE if recipe.name == asked)
    return next(recipe for recipe in TABLE if recipe.fits(sizes, channels, samples, is_pretrained=is_pretrained))
