"""The data set that an exported model was trained on, or another one in the model's form."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from trainer import data
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams

_CONFIGURED = (
    *("target", "validation_split", "seed", "folds", "image_size", "color", "length", "rate", "volume_size", "rank"),
    *("skip_broken", "model", "weights"),  # images for pretrained weights have another usual size
)
_COLORS = {1: "grey", 3: "rgb"}  # by channels


def load(
    name: str, form: Form, configured: Mapping[str, Any], cache_dir: str, screen: Console, *, is_other: bool
) -> data.Dataset:
    """Returns a data set in the form of a model.

    Args:
      name: of the data set, as `--data` has it.
      form: of what the model takes.
      configured: the flags of its training.
      cache_dir: the folder for downloads.
      screen: receives lines about the data.
      is_other: whether the model was trained on other data; these are brought to its form.

    Raises:
      UsageError: there are no samples, or of another form.
    """
    flags = {key: configured[key] for key in _CONFIGURED if key in configured}
    if is_other:
        flags |= _fixed(form, flags)
    dataset = data.load_configured(HParams(**flags, data=name, cache_dir=cache_dir), screen)
    found = dataset.form
    if (found.shape, found.low, found.high) != (form.shape, form.low, form.high):
        raise UsageError(
            f"`--data` must contain samples of the model's form, {_described(form)}. "
            f"Received: {name}, {_described(found)}"
        )
    return dataset


def _fixed(form: Form, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the flags that bring other data to a form."""
    is_even = len(set(form.sizes)) == 1
    if form.rank == 1:
        return {"length": form.sizes[0]}
    if form.rank == 2:
        color = {"color": _COLORS[form.channels]} if form.channels in _COLORS else {}
        return {**color, **({"image_size": form.sizes[0]} if is_even else {})}
    return {"volume_size": form.sizes[0]} if is_even and flags.get("volume_size") else {}


def _described(form: Form) -> str:
    channels = f"{form.channels} {'channel' if form.channels == 1 else 'channels'}"
    return f"{form} with {channels} from {form.low:g} to {form.high:g}"
