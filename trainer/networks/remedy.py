"""Finds the flag to change, and its new value, if a network cannot be built from its flags."""

import bisect
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams, Value

SIZE = "size"  # represents the flag for the size of the samples
NOUNS = {1: "signals", 2: "images", 3: "volumes"}  # by rank

_SIZES = {1: "length", 2: "image_size", 3: "volume_size"}  # by rank, the flag
_LARGEST = {1: 2**24, 2: 4096, 3: 1024}  # by rank, the flag's maximum
_MAXIMUM_PARAMETERS = 500_000_000  # with the gradient and Adam's two moments, 8 GB in float32
_USUAL_SIZE = 96  # pixels of a side, a usual size of photographs

Test = Callable[[HParams, Form], bool]
Count = Callable[[HParams, Form], int]


@dataclasses.dataclass(frozen=True)
class Remedy:
    """The change of one flag that makes a network possible.

    Attributes:
      flag: without dashes.
      value: the nearest value to the current one with which the network can be built.
      received: the current value, for a message; marked if it is the default.
    """

    flag: str
    value: Value
    received: str


def find(hparams: HParams, form: Form, aims: Mapping[str, Value], is_possible: Test) -> Remedy | None:
    """Returns a change of one flag that makes a network possible; None if no single change does.

    Flags that the user set come before flags with their defaults, because a message should name what the user typed.

    Args:
      hparams: the hyperparameters for which no network can be built.
      form: the form of a sample.
      aims: for each flag, or `SIZE`, in the order of preference, the value that is most likely to work; for `SIZE` at
        most the flag's maximum.
      is_possible: returns whether a network can be built.
    """
    aims = {named(flag, form): _LARGEST[form.rank] if flag == SIZE else aim for flag, aim in aims.items()}
    for flag in sorted(aims, key=lambda flag: not is_given(hparams, flag)):
        value = next(_values(hparams, form, flag, aims[flag], is_possible), None)
        if value is not None:
            return Remedy(flag, value, _received(hparams, form, flag))
    return None


def check_parameters(parameters: int, hparams: HParams, form: Form, larger: Sequence[str], count: Count) -> None:
    """Checks that the weights of a network fit in memory.

    Args:
      parameters: the number of weights.
      hparams: the hyperparameters of the network.
      form: the form of a sample.
      larger: the flags, or `SIZE`, that increase the number of weights.
      count: returns the number of weights of a network; None if it cannot be built.

    Raises:
      UsageError: they do not fit; the message names the flag that contributes most.
    """
    if parameters <= _MAXIMUM_PARAMETERS:
        return
    larger = [named(flag, form) for flag in larger]
    aims = dict.fromkeys(sorted(larger, key=lambda flag: count(*_by_default(hparams, form, flag))), 1)
    found = find(hparams, form, aims, lambda *changed: 0 < count(*changed) <= _MAXIMUM_PARAMETERS)
    if found:
        raise UsageError(
            f"`--{found.flag}` must be at most {found.value} here, for a network of at most {_MAXIMUM_PARAMETERS:,} "
            f"parameters. Received: {found.received}, for one of {parameters:,}"
        )
    flags = listed([flag for flag in larger if is_given(hparams, flag)])
    raise UsageError(f"{flags} must make at most {_MAXIMUM_PARAMETERS:,} parameters together. Received: {parameters:,}")


def listed(flags: Sequence[str]) -> str:
    """Returns a list of flags for a message."""
    *others, last = (f"`--{flag}`" for flag in flags)
    return f"{', '.join(others)} and {last}" if others else last


def is_given(hparams: HParams, flag: str) -> bool:
    """Returns whether the value of a flag differs from its default."""
    return bool(getattr(hparams, flag) != getattr(HParams, flag))


def changed(hparams: HParams, form: Form, flag: str, value: Value) -> tuple[HParams, Form]:
    """Returns both with another value of a flag; the flag for the samples' size also changes the form."""
    if flag == _SIZES[form.rank]:
        form = dataclasses.replace(form, sizes=(int(value),) * form.rank)
    values: dict[str, Any] = {flag: value}
    return dataclasses.replace(hparams, **values), form


def _by_default(hparams: HParams, form: Form, flag: str) -> tuple[HParams, Form]:
    return changed(hparams, form, flag, _USUAL_SIZE if flag == _SIZES[form.rank] else getattr(HParams, flag))


def _values(hparams: HParams, form: Form, flag: str, aim: Value, is_possible: Test) -> Iterator[Value]:
    """Yields the value of a flag nearest to the current one with which a network can be built, if there is one."""

    def fits(value: Value) -> bool:
        return is_possible(*changed(hparams, form, flag, value))

    own: Any = max(form.sizes) if flag == _SIZES[form.rank] else getattr(hparams, flag)
    if isinstance(aim, int):
        steps: Sequence[int] = range(own - 1, aim - 1, -1) if aim < own else range(own + 1, aim + 1)
        index = bisect.bisect_left(steps, True, key=fits)
        yield from steps[index : index + 1]
    elif aim != own and fits(aim):
        yield aim


def _received(hparams: HParams, form: Form, flag: str) -> str:
    value = getattr(hparams, flag)
    if is_given(hparams, flag):
        return str(value)
    return f"{value}, the default" + (f", so {form}" if flag == _SIZES[form.rank] else "")


def named(flag: str, form: Form) -> str:
    """Returns a flag's name, with `SIZE` replaced by the flag for the samples' size."""
    return _SIZES[form.rank] if flag == SIZE else flag
