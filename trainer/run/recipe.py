"""The recipe of a run: settings for the flags that were not given, from `trainer.recipes` or from the run's record."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainer import data, networks, recipes
from trainer.hparams import EPOCHS, UNTIL_BEST, HParams, Value, given, is_pretrained, rule_of

_AMOUNT = ("batch_size", "epochs")  # which are 0 where the recipe decides
_OPEN = (
    *_AMOUNT,
    "patience",
)  # which are 0 where a record decides: it has later epochs too


@dataclasses.dataclass(frozen=True)
class Chosen:
    """A recipe with what it decided for one run.

    Attributes:
      name: of the recipe.
      reason: why it was chosen.
      values: the flags that were not given, with the recipe's values.
      epochs: that the recipe has, whatever `--epochs` says; `--epochs=auto` takes its patience from them.
    """

    name: str
    reason: str
    values: Mapping[str, Any]
    epochs: int = EPOCHS

    def __str__(self) -> str:
        settings = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.name}: {self.reason}{'; ' if settings else ''}{settings}"


def choose(hparams: HParams, former: Mapping[str, Any], dataset: data.Dataset, replicas: int) -> Chosen:
    """Returns the recipe of a run: that of its record, else what suits its data and network.

    Args:
      hparams: what to train.
      former: the record of the run; empty where it has not begun.
      dataset: what the network learns from.
      replicas: devices that share each batch.
    """
    if former:
        return _recorded(hparams, former)
    form, samples = dataset.form, len(dataset.train)
    found = recipes.choose(hparams.recipe, form.sizes, form.channels, samples, is_pretrained=is_pretrained(hparams))
    family, _ = networks.choose(hparams, form)
    values: dict[str, Value] = {
        field.name: found.values[field.name]
        for field in dataclasses.fields(hparams)
        if field.name in found.values
        and field.name not in given(hparams)
        and family in (rule_of(field).networks or (family,))
    }
    size = hparams.batch_size or found.amount.batch_of(samples, replicas)
    amount = {"batch_size": size, "epochs": found.amount.epochs_of(samples / size)}
    values.update({name: amount[name] for name in _AMOUNT if not getattr(hparams, name)})
    is_asked = hparams.recipe != recipes.AUTO
    reason = f"as `--recipe={found.name}` asks" if is_asked else f"for {found.purpose}"
    return Chosen(found.name, reason, values, amount["epochs"])


def _recorded(hparams: HParams, former: Mapping[str, Any]) -> Chosen:
    """Returns the recipe in a record, whatever the table is now; a run of an earlier version has these two values."""
    configuration, recorded = former.get("configuration", {}), former.get("recipe", {})
    amount = {name: _number(configuration[name]) for name in _OPEN if configuration.get(name)}
    values = {**recorded.get("values", {}), **amount}
    if (hparams.epochs or values.get("epochs")) != UNTIL_BEST:
        values.pop("patience", None)
    return Chosen(
        recorded.get("name", recipes.AUTO),
        recorded.get("reason", "as the run began"),
        {name: value for name, value in values.items() if not _is_given(hparams, name)},
        int(recorded.get("epochs", EPOCHS)),
    )


def _number(value: Any) -> int:
    """Returns a number of the record, where `--epochs=auto` is a word."""
    return UNTIL_BEST if value == "auto" else int(value)


def _is_given(hparams: HParams, name: str) -> bool:
    """Returns whether a flag is given, with a value that is not left open."""
    return bool(getattr(hparams, name)) if name in _OPEN else name in given(hparams)
